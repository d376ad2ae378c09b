"""BMCs by IPMI: what each server says it draws."""
