"""The deployment's files agree with the settings, with the service's errors and with each other."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient

from speech.engines import ENGINES
from speech.settings import Settings
from web.http.requests import QUIET_PATHS

ROOT = Path(__file__).resolve().parents[2]
IN_THE_WYOMING_FILE = {"WYOMING_PORT", "WYOMING_HOST"}  # which publishes the port
FIXED_IN_THE_IMAGE = {"HOST", "PORT", "HF_HOME", "VOICES_DIR", "LEXICON_DIR", "OUTPUT_DIR", "DRAIN_FILE"}


def compose() -> dict[str, Any]:
    text: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return text


def manifest(name: str) -> dict[str, Any]:
    text: dict[str, Any] = yaml.safe_load((ROOT / f"deploy/kubernetes/{name}.yaml").read_text())
    return text


def image_environment() -> dict[str, str]:
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def balancer(*arguments: str) -> str:
    return subprocess.run(
        ["bash", str(ROOT / "deploy/haproxy/config.sh"), *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_compose_hands_every_setting_on() -> None:
    environment = compose()["services"]["tts"]["environment"]
    names = {name.upper() for name in Settings.model_fields} - FIXED_IN_THE_IMAGE - IN_THE_WYOMING_FILE
    assert environment == {name: f"${{{name}:-}}" for name in environment}
    assert set(environment) == names, "a row `NAME: ${NAME:-}` in docker-compose.yml for each setting"


def test_the_wyoming_file_publishes_the_port_that_the_service_has() -> None:
    services = yaml.safe_load((ROOT / "deploy/wyoming/docker-compose.yml").read_text())["services"]
    assert set(services) == set(compose()["services"])
    for service in services.values():
        assert set(service["environment"]) == IN_THE_WYOMING_FILE
        (port,) = service["ports"]
        assert port.startswith("${WYOMING_HOST:-127.0.0.1}:")  # as the setting's own default
        assert port.endswith(f":{service['environment']['WYOMING_PORT']}")


def test_what_compose_leaves_out_the_image_or_the_published_port_settles() -> None:
    settled = image_environment()
    for name in FIXED_IN_THE_IMAGE - {"HOST", "PORT"}:
        assert settled[name].startswith("/")
    targets = {volume.rpartition("}:")[2].split(":")[0] for volume in compose()["services"]["tts"]["volumes"]}
    assert {settled["HF_HOME"], settled["VOICES_DIR"], settled["OUTPUT_DIR"]} <= targets


def test_only_the_one_gpu_that_is_named() -> None:
    (device,) = compose()["services"]["tts"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["device_ids"] == ["${NVIDIA_VISIBLE_DEVICES:-0}"]
    assert "NVIDIA_VISIBLE_DEVICES" not in compose()["services"]["tts"]["environment"]
    assert "deploy" not in compose()["services"]["cpu"]
    assert "deploy" not in compose()["services"]["pocket"]


def test_each_image_of_an_engine_is_a_service() -> None:
    images = {spec.image for spec in ENGINES.values() if spec.image}
    services = compose()["services"]
    assert images == {name for name in services if "build" in services[name]} - {"tts"}
    assert all(services[name]["build"]["target"] == name for name in images)


def test_the_build_of_each_service_is_told_where_packages_come_from() -> None:
    told = {name: service["build"]["args"] for name, service in compose()["services"].items()}
    for arguments in told.values():
        assert sorted(arguments) == ["BASE_IMAGE", "LOCKED", "PIP_FIND_LINKS", "PIP_INDEX_URL"]
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert declared >= set(told["cpu"])
    assert told["pocket"]["BASE_IMAGE"] == told["cpu"]["BASE_IMAGE"] != told["tts"]["BASE_IMAGE"]


def test_a_project_for_each_port_and_one_model_cache_for_all() -> None:
    assert compose()["name"] == "tts-${PORT:-8900}"
    assert {volume["name"] for volume in compose()["volumes"].values()} == {"tts-models", "tts-voices", "tts-outputs"}


@pytest.mark.parametrize("service", ["tts", "pocket", "cpu"])
def test_no_service_has_more_rights_than_it_needs(service: str) -> None:
    definition = compose()["services"][service]
    assert definition["read_only"] is True
    assert definition["cap_drop"] == ["ALL"]
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert definition["restart"] == "unless-stopped"
    assert "max-size" in definition["logging"]["options"]


def test_the_balancer_has_a_line_for_each_instance_and_asks_lb() -> None:
    text = balancer("--slots", "12", "--queue", "9", "--bind", ":80", "10.0.0.1:8900", "10.0.0.2:8900")
    assert re.findall(r"^  server (\S+) (\S+)$", text, re.MULTILINE) == [
        ("i1", "10.0.0.1:8900"),
        ("i2", "10.0.0.2:8900"),
    ]
    assert text.count(" track speech/i") == 4
    for part in ("uri /lb", " maxconn 12 ", "queue(speech) ge 9 ", "bind :80\n", "option http-no-delay"):
        assert part in text


def test_jobs_have_one_place() -> None:
    """One of the instances, always the same; or the host that is named."""
    assert "stick on int(1)" in balancer("a:1", "b:1").partition("\nbackend jobs")[2]
    named = balancer("--jobs", "c:1", "a:1", "b:1").partition("\nbackend jobs")[2]
    assert re.findall(r"^  server (\S+) (\S+)", named, re.MULTILINE) == [("host", "c:1")]
    assert "stick" not in named


def test_passages_of_jobs_take_slots_and_never_wait_for_one(app: Flask) -> None:
    text = balancer("a:1")
    (path,) = re.findall(r"acl passage path (\S+)", text)
    assert path in {rule.rule for rule in app.url_map.iter_rules()}
    assert "use_backend speech if speaks or passage\n" in text
    (refusal,) = re.findall(r"return status 429 .* if (passage .*)", text)
    assert refusal == "passage !{ be_conn_free(speech) gt 0 }"


def test_with_no_place_to_wait_a_free_slot_is_given_all_the_same() -> None:
    (refusal,) = re.findall(r"return status 429 .* if (speaks .*)", balancer("--queue", "0", "a:1"))
    assert refusal == "speaks { queue(speech) ge 0 } !{ be_conn_free(speech) gt 0 }"  # the first alone is always true


def test_the_balancers_errors_have_the_shape_of_ours() -> None:
    bodies = [json.loads(body) for body in re.findall(r"string '(\{.*?\})'", balancer("a:1"))]
    assert [body["error"]["code"] for body in bodies] == ["no_instance", "queue_full", "queue_full"]
    assert all(set(body["error"]) == {"message", "type", "param", "code"} for body in bodies)


@pytest.mark.parametrize("arguments", [(), ("--slots", "3"), ("--jobs", "a:1"), ("--colour", "a:1")])
def test_the_balancer_needs_instances(arguments: tuple[str, ...]) -> None:
    script = str(ROOT / "deploy/haproxy/config.sh")
    done = subprocess.run(["bash", script, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_pod_outlives_its_streams() -> None:
    pod = manifest("deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    *_, command = container["lifecycle"]["preStop"]["exec"]["command"]
    told, waited = re.fullmatch(r"touch (\S+); sleep (\d+)", command).groups()  # type: ignore[union-attr]
    settings = manifest("settings")["data"]
    assert told == image_environment()["DRAIN_FILE"]
    assert pod["terminationGracePeriodSeconds"] > int(waited) + int(settings["DRAIN_TIMEOUT"])
    assert set(settings) <= {name.upper() for name in Settings.model_fields}
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_pods_run_as_the_images_user_and_mount_what_it_writes() -> None:
    pod = manifest("deployment")["spec"]["template"]["spec"]
    uid, gid = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1]
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (int(uid), int(gid))
    mounts = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    settled = image_environment()
    assert mounts == {settled["HF_HOME"], settled["VOICES_DIR"], settled["OUTPUT_DIR"], "/tmp"}


def test_files_of_a_strict_umask_are_opened_to_the_images_user() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    (code,) = (stage for stage in stages if "\nCOPY . .\n" in stage)
    assert code.startswith("base AS code\n")
    assert "\nRUN chmod -R a+rX .\n" in code
    assert sum("\nCOPY --from=code /srv /srv\n" in stage for stage in stages) == 3


def test_secrets_stay_out_of_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".env.*", ".git", "voices", "*.safetensors", ".venv", ".run"} <= set(ignored)


def test_pods_are_scaled_by_a_figure_that_there_is(client: FlaskClient) -> None:
    (trigger,) = manifest("scaling")["spec"]["triggers"]
    (name,) = re.findall(r"tts_\w+", trigger["metadata"]["query"])
    assert f"\n{name} " in client.get("/metrics").text
    assert manifest("scaling")["spec"]["scaleTargetRef"]["name"] == manifest("deployment")["metadata"]["name"]


def test_what_is_asked_every_second_does_not_fill_the_log() -> None:
    asked = set(re.findall(r"http-check send meth GET uri (\S+)", balancer("a:1")))
    for name in ("deployment", "jobs"):
        asked |= set(re.findall(r"httpGet: \{path: (\S+),", (ROOT / f"deploy/kubernetes/{name}.yaml").read_text()))
    assert {"/lb", "/health"} <= asked <= QUIET_PATHS


def test_what_speaks_waits_at_the_balancer_and_nothing_else_does(app: Flask) -> None:
    (prefixes,) = re.findall(r"acl speaks path_beg (.*)", balancer("a:1"))
    queued = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith(tuple(prefixes.split()))}
    assert queued == {
        *("/api/tts", "/api/tts/stream", "/v1/audio/speech"),
        *("/api/stream", "/api/tts_streaming", "/api/tts-streaming"),
    }
