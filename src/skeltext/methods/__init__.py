"""Methods: one file each, all under the contract of skeltext.methods.method."""
