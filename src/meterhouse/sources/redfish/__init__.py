"""BMCs by Redfish: what each server says it draws."""
