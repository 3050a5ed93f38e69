"""OYL's main job in network and mount namespaces of its own: what it sends, and which files it leaves."""
