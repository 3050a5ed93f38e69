"""What office documents have in common, and OpenDocument texts and RTF."""
