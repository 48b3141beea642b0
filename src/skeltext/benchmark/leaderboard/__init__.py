"""Every method on one data set under one protocol: trained, measured, compared and written down."""
