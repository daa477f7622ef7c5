"""Run folders and data sets -> what they show: baselines, statistics, findings, errors in the data. No torch here."""
