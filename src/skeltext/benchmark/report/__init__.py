"""The report: one HTML page that shows what an evaluation found."""
