"""Methods that recognise classes by their texts; a file here is a method, named after its file."""
