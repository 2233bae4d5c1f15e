"""Certificates of an authority of the test's own, for servers that speak TLS."""

import os
import shutil
import subprocess


class Certificates:
    """ca.pem, and server.pem, client.pem with their keys, for 127.0.0.1, in `folder`. More by issue()."""

    def __init__(self, folder, user=None):
        """`user` (of pwd) is to own the keys: servers refuse those of others."""
        self.folder = folder
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
                      "-keyout", "ca.key", "-out", "ca.pem")
        self._user = user
        for name in ("server", "client"):
            self.issue(name)

    def issue(self, name, days=2, address="127.0.0.1"):
        """NAME.pem and NAME.key, of CN=NAME at `address`; with `days` < 0 it has expired."""
        with open(self.file("extensions"), "w", encoding="ascii") as extensions:
            extensions.write(f"subjectAltName=IP:{address}\nextendedKeyUsage=serverAuth,clientAuth\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                      "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                      "-CAcreateserial", "-days", str(days), "-extfile", "extensions", "-out", f"{name}.pem")
        os.chmod(self.file(f"{name}.key"), 0o600)
        if self._user:
            shutil.chown(self.file(f"{name}.key"), self._user.pw_uid, self._user.pw_gid)

    def present(self, name):
        """The server presents the certificate NAME from its next look at its files on."""
        for kind in ("pem", "key"):
            with open(self.file(f"{name}.{kind}"), "rb") as source, open(self.file(f"server.{kind}"), "wb") as target:
                target.write(source.read())

    def file(self, name):
        return os.path.join(self.folder, name)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)
