"""`anju ca`, as an installer calls it."""

import json
import stat

import pytest
from cryptography import x509

from anju.cli import main
from anju.paths import config_dir
from cloud.clock import SystemClock
from cloud.registry.seed import load_demo
from cloud.storage import migrate
from cloud.storage.engine import open_engine
from cloud.storage.store import Store
from tests.cloud.fleet.requests import GATEWAY, request


@pytest.fixture
def ca(tmp_path, capsys):
    """Runs a verb on an installation: exit code and document."""

    def call(*words: str):
        code = main(["ca", *words, "--data", str(tmp_path), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def made(ca):
    assert ca("init")[0] == 0
    return ca


def test_init_makes_both_cas_whose_keys_are_for_their_owner_alone(ca, tmp_path):
    code, told = ca("init", "--name", "District 7")

    assert (code, told["ok"], told["problems"]) == (0, True, [])
    for name in ("gateways", "services"):
        folder = tmp_path / "ca" / name
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        assert certificate.subject.rfc4514_string() == f"CN=District 7 {name}"
        assert stat.S_IMODE((folder / "ca.key").stat().st_mode) == 0o600


def test_a_second_init_changes_nothing_and_says_so(made):
    code, told = made("init")

    assert (code, told["ok"]) == (1, False)
    assert "left as it is" in told["problems"][0]


def test_for_a_broker_everything_is_written_that_its_shipped_file_names(made, tmp_path):
    code, told = made("sign", "mq.example", "--host", "127.0.0.1", "--out", str(tmp_path / "mq"))

    assert (code, told["kind"]) == (0, "server")
    shipped = (config_dir() / "mosquitto" / "cloud.conf").read_text()
    wanted = {
        line.rpartition("/")[2]
        for line in shipped.splitlines()
        if line.startswith(("cafile", "certfile", "keyfile", "crlfile"))
    }
    assert {path.name for path in (tmp_path / "mq").iterdir()} == wanted
    assert stat.S_IMODE((tmp_path / "mq" / "server.key").stat().st_mode) == 0o600


def test_a_service_gets_key_certificate_and_the_ca_of_the_broker(made, tmp_path):
    made("sign", "svc-cloud", "--out", str(tmp_path / "svc"))

    names = {path.name for path in (tmp_path / "svc").iterdir()}
    assert names == {"svc-cloud.key", "svc-cloud.pem", "ca.pem"}


def test_a_gateways_key_is_never_made_here(made, tmp_path):
    (tmp_path / "gw.csr").write_text(request(GATEWAY))
    out = ("--out", str(tmp_path / "gw"))

    assert made("sign", GATEWAY, *out)[0] == 1
    assert made("sign", "gw-demo02", "--csr", str(tmp_path / "gw.csr"), *out)[0] == 1
    assert made("sign", GATEWAY, "--csr", str(tmp_path / "gw.csr"), *out)[0] == 0
    assert {path.name for path in (tmp_path / "gw").iterdir()} == {f"{GATEWAY}.pem", "ca.pem"}


@pytest.mark.parametrize("name", ["gw-+", "svc-#", "a/b", "GW", ""])
def test_an_odd_name_is_refused(made, tmp_path, name):
    (tmp_path / "gw.csr").write_text(request())

    code, told = made("sign", name, "--csr", str(tmp_path / "gw.csr"), "--out", str(tmp_path / "x"))

    assert (code, "is no name" in told["problems"][0]) == (1, True)


def test_revoke_puts_every_certificate_of_a_name_on_the_list(made, tmp_path):
    (tmp_path / "gw.csr").write_text(request(GATEWAY))
    _, signed = made(
        "sign", GATEWAY, "--csr", str(tmp_path / "gw.csr"), "--out", str(tmp_path / "gw")
    )

    code, told = made("revoke", GATEWAY, "--reason", "stolen")

    listed = x509.load_pem_x509_crl((tmp_path / "ca" / "gateways" / "crl.pem").read_bytes())
    assert (code, [each["serial"] for each in told["revoked"]]) == (0, [signed["serial"]])
    assert [f"{each.serial_number:x}" for each in listed] == [signed["serial"]]
    assert made("revoke", GATEWAY)[0] == 1


def test_what_cannot_be_read_or_written_is_a_sentence(made, tmp_path, capsys):
    words = ["ca", "sign", "svc-cloud", "--csr", "/nowhere", "--out", str(tmp_path / "x")]

    assert main([*words, "--data", str(tmp_path)]) == 2

    assert "/nowhere cannot be used" in capsys.readouterr().err


def test_a_code_is_for_a_registered_gateway_only(made, tmp_path):
    url = f"sqlite:///{tmp_path / 'cloud.db'}"
    migrate.upgrade(url)
    store = Store(open_engine(url, writes=True), open_engine(url, writes=False), SystemClock())
    store.write(lambda work: load_demo(work, config_dir()))
    store.stop()

    code, told = made("code", GATEWAY)

    assert (code, len(told["code"])) == (0, 19)
    assert made("code", "gw-stranger")[0] == 1


def test_a_code_needs_a_store(made, tmp_path, capsys):
    assert main(["ca", "code", GATEWAY, "--data", str(tmp_path)]) == 2

    assert "give --config or --data" in capsys.readouterr().err
