"""Methods that recognise classes by one or a few clips of each; a file here is a method, named after its file."""
