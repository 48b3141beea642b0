"""From the texts of classes to vectors; a file here is a text space, named after its file."""
