"""`python -m paraphina_core` is `paraphina`."""

from __future__ import annotations

import sys

from paraphina_core.cli import main

sys.exit(main())
