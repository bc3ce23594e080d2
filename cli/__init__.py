"""What people run in a terminal: `say`, and what the command kyutai-tts needs beside the programs themselves."""
