"""Protocols under which papers print accuracies on NTU RGB+D and PKU-MMD; figures of two of them do not compare.

Two different sets of random splits are both called "random splits" in the literature: those of SMIE, which PGFA uses,
and those of SA-DVAE, which TDSM uses. They hide other classes.
"""

from __future__ import annotations

SMIE_SPLITS = "SMIE's random splits"
"""Mean of three splits each: NTU-60 55/5, NTU-120 110/10, PKU-MMD 46/5; ST-GCN. Columns are names of data sets."""
SMIE_SPLITS_DESCRIBED = "SMIE's random splits, complete descriptions"
SMIE_SPLITS_ALIGNED = "SMIE's random splits, aligned with the test set"
SYNSE_SPLITS = "SynSE's splits"
"""One split each, features of a Shift-GCN. Columns are a data set and seen/unseen classes."""
SYNSE_SPLITS_ALIGNED = "SynSE's splits, aligned with the test set"
SA_DVAE_SPLITS = "SA-DVAE's random splits"
"""Mean of three splits each, with other unseen classes than SMIE's; ST-GCN. Columns are names of data sets."""
SYNSE_GENERALISED = "SynSE's splits, harmonic mean with seen classes"
ONE_SHOT = "one exemplar of each novel class"
"""NTU-60 50/10, NTU-120 100/20, PKU-MMD 41/10. Columns are names of data sets."""
