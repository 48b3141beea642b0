"""The built-in motion set: human actions made by forward kinematics, to try everything without a download."""
