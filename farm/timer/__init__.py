"""When farm runs by itself: a systemd timer, or a line of crontab."""
