"""What a person says about a served model; everything else has a default."""
