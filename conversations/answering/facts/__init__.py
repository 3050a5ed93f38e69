"""What a sentence states that one word can change: numbers with their units, names, and whether something is denied."""
