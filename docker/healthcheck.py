"""Exit status 0 when the server in this container answers /healthz."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException


def main() -> int:
    port = os.environ.get("SEGSERVE_PORT", "8000")
    # A Kubernetes Service named segserve puts its address there; the server passes over it too.
    connection = HTTPConnection("127.0.0.1", 8000 if port.startswith("tcp://") else int(port), timeout=3)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        print(f"no answer: {error}")
        return 1
    finally:
        connection.close()
    print(f"/healthz answers {status}")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
