"""How a node is at this moment, asked again and again while it builds: one small script (script.sh), one Sample."""
