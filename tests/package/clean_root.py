"""A folder with a Debian in it, in which commands run as on a machine of its own."""

import os
import shutil
import subprocess

# What apt, dpkg and the loader keep of their own.
OTHERS = ("proc", "dev", "tmp", "run", "var/cache", "var/log", "var/lib/apt", "var/lib/dpkg", "etc/ld.so.cache")


class CleanRoot:
    def __init__(self, archive, folder):
        self.folder = folder
        folder.mkdir()
        subprocess.run(["tar", "-C", folder, "-xf", archive], check=True)
        shutil.copy("/etc/resolv.conf", folder / "etc" / "resolv.conf")

    def __enter__(self):
        subprocess.run(["mount", "-t", "proc", "proc", self.folder / "proc"], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.folder / "proc"], check=True)
        shutil.rmtree(self.folder)

    def run(self, *command, user="root", code=0):
        """What the command prints."""
        ran = subprocess.run(["chroot", f"--userspec={user}", self.folder, *map(str, command)], text=True,
                             capture_output=True, timeout=600, check=False, cwd="/",
                             env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8",
                                  "DEBIAN_FRONTEND": "noninteractive"})
        assert ran.returncode == code, f"{command}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def apt(self, *arguments):
        return self.run("apt-get", "-y", "-q", "--no-install-recommends", "-o", "APT::Sandbox::User=root", *arguments)

    def files(self):
        """Every file and folder but what package managers keep."""
        found = set()
        for folder, folders, names in os.walk(self.folder):
            below = os.path.relpath(folder, self.folder)
            folders[:] = [name for name in folders if os.path.normpath(os.path.join(below, name)) not in OTHERS]
            found |= {os.path.normpath(os.path.join(below, name)) for name in (*folders, *names)}
        return found - set(OTHERS)
