"""Everything a plug-in author imports: records, results, errors, settings, pictures and the protocols."""
