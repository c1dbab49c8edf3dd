"""Tables, migrations, atomic writes and reads. The only SQL of the pipeline."""
