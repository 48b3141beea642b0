"""Methods that train an encoder for others and score no text; a file here is a method, named after its file."""
