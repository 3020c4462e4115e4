"""Where editors work: the list of articles, the editor, versions, pictures, and the rules of gates."""
