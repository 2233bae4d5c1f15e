"""Certificates of an authority of the test's own, for servers that speak TLS."""

import os
import shutil
import subprocess


class Certificates:
    """ca.pem, and server.pem, client.pem with their keys, for 127.0.0.1, in `folder`."""

    def __init__(self, folder, user=None):
        """`user` (of pwd) is to own the keys: servers refuse those of others."""
        self.folder = folder
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
                      "-keyout", "ca.key", "-out", "ca.pem")
        with open(self.file("extensions"), "w", encoding="ascii") as extensions:
            extensions.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        for name in ("server", "client"):
            self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                          "-out", f"{name}.csr")
            self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                          "-CAcreateserial", "-days", "2", "-extfile", "extensions", "-out", f"{name}.pem")
            os.chmod(self.file(f"{name}.key"), 0o600)
            if user:
                shutil.chown(self.file(f"{name}.key"), user.pw_uid, user.pw_gid)

    def file(self, name):
        return os.path.join(self.folder, name)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)
