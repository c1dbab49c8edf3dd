"""What people see: reads the materialised tables and writes nothing."""
