"""The manifests in deploy/kubernetes: what they run is what the program has, shut in, with passwords from files."""

import json
import pathlib
import re
import subprocess

import pytest
import yaml

from support import program

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
MANIFESTS = {file.name: yaml.safe_load(file.read_text()) for file in FOLDER.glob("*.yaml")}
JOBS = sorted(name for name, manifest in MANIFESTS.items() if manifest["kind"] in ("Job", "CronJob"))


def job_spec(name):
    spec = MANIFESTS[name]["spec"]
    return spec["jobTemplate"]["spec"] if MANIFESTS[name]["kind"] == "CronJob" else spec


def pod_spec(name):
    return job_spec(name)["template"]["spec"]


def containers(name):
    return pod_spec(name).get("initContainers", []) + pod_spec(name)["containers"]


def test_there_is_a_job_for_each_purpose():
    runs = {tuple(pod_spec(name)["containers"][0]["args"][:1]): MANIFESTS[name]["kind"] for name in JOBS}
    assert runs == {("clean-marks",): "CronJob", ("status",): "CronJob", ("failover-master",): "Job"}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_shut_in(name):
    pod = pod_spec(name)
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in containers(name):
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}
        assert "env" not in container and "memory" in container["resources"]["limits"]
    assert {"name": "tmp", "emptyDir": {}} in pod["volumes"]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_and_is_not_run_again_by_itself(name):
    assert job_spec(name)["backoffLimit"] == 0 and job_spec(name)["activeDeadlineSeconds"] > 0
    assert pod_spec(name)["restartPolicy"] == "Never"
    assert MANIFESTS[name]["kind"] == "Job" or MANIFESTS[name]["spec"]["concurrencyPolicy"] == "Forbid"


@pytest.mark.parametrize("name", JOBS)
def test_a_job_runs_this_version_with_options_that_it_has(name):
    version = re.search(r"project\(dsfailover VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert {container["image"] for container in containers(name)} == {f"dsfailover:{version}"}
    command, *arguments = pod_spec(name)["containers"][0]["args"]
    help_of = subprocess.run([program.binary(), command, "--help"], check=True, capture_output=True, text=True).stdout
    for option in (argument for argument in arguments if argument.startswith("--")):
        assert f"  {option} " in help_of


@pytest.mark.parametrize("name", JOBS)
def test_what_is_mounted_is_there(name):
    volumes = {volume["name"] for volume in pod_spec(name)["volumes"]}
    for container in containers(name):
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    mounts = {mount["name"]: mount for mount in pod_spec(name)["containers"][0]["volumeMounts"]}
    assert mounts["config"]["subPath"] in MANIFESTS["config.yaml"]["data"]
    assert mounts["config"]["mountPath"] == "/etc/dsfailover/config.yaml"


def test_the_configuration_is_one_and_has_no_password(tmp_path):
    text = MANIFESTS["config.yaml"]["data"]["config.yaml"]
    folder = "/etc/dsfailover/passwords"
    (tmp_path / "database-password").write_text("secret")
    (tmp_path / "registry-password").write_text("secret")
    config = tmp_path / "config.yaml"
    # With what is commented out, too.
    config.write_text(re.sub(r"^# ", "", text, flags=re.MULTILINE).replace(folder, str(tmp_path)))
    shown = subprocess.run([program.binary(), "config", "--config", config], check=True, capture_output=True,
                           text=True, env={}).stdout
    settings = {item["name"]: item["value"] for item in json.loads(shown)["settings"]}
    assert settings["database-password"] == settings["registry-password"] == "(hidden)"
    assert "password:" not in text.replace("password-file:", "")
