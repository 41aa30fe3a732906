"""What outlives a session: kept mail, brakes, lifts, the archive's index, use and audit, in a database."""
