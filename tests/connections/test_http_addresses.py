"""Where the client refuses to go. A canary listens on this machine and must hear nothing."""

import pytest

from connections.connectors.addresses import Guard, is_global
from connections.connectors.errors import DataError, TransientError
from connections.connectors.http import HttpClient
from tests.connections.raw_server import answer, serving

PUBLIC = "93.184.215.14"

# {p} is the canary's port; the canary listens on 127.0.0.1 and ::1.
HOSTILE_URLS = [
    "http://127.0.0.1:{p}/",
    "http://127.0.0.1/",
    "http://127.0.0.1:80/",
    "https://127.0.0.1:8443/",
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://127.000.000.001:{p}/",
    "http://2130706433:{p}/",
    "http://0x7f000001:{p}/",
    "http://0x7f.0.0.1:{p}/",
    "http://0X7F.0X0.0X0.0X1:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://017700000001:{p}/",
    "http://127.0.0.0x1:{p}/",
    "http://0:{p}/",
    "http://0.0.0.0:{p}/",
    "http://00000000:{p}/",
    "http://127.0.0.1.:{p}/",
    "http://localhost:{p}/",
    "http://LOCALHOST:{p}/",
    "http://localhost.:{p}/",
    "http://localhost/",
    "http://api.localhost/",
    "http://shop.local/",
    "http://vault.internal/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://router/",
    "http://[::1]:{p}/",
    "http://[::]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::ffff:7f00:1]:{p}/",
    "http://[::127.0.0.1]/",
    "http://[::1%25lo]:{p}/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/metadata",
    "http://100.100.100.200/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.7/",
    "http://203.0.113.7/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://0.1.2.3/",
    "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11:{p}/",
    "http://127\u30020\u30020\u30021:{p}/",
    "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3:{p}/",
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{p}/",
    "http://127.0.0.%31:{p}/",
    "http://%6c%6f%63%61%6c%68%6f%73%74:{p}/",
    "http://user:pass@127.0.0.1:{p}/",
    "http://shop.example@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}@shop.example/",
    "https://user@shop.example/",
    "http://shop.example\\@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}\\@shop.example/",
    "http://127.0.0.1:{p}#@shop.example/",
    "http://127.0.0.1:{p}?@shop.example/",
    "http:///127.0.0.1:{p}/",
    "http:127.0.0.1:{p}/",
    "//127.0.0.1:{p}/",
    "127.0.0.1:{p}",
    " http://127.0.0.1:{p}/",
    "http://127.0.0.1\t:{p}/",
    "http://127.0.0.1\r\nHost: x:{p}/",
    "http://shop.example/\r\nX: y",
    "ftp://127.0.0.1:{p}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{p}/_x",
    "unix:///var/run/docker.sock",
    "http://shop.example:22/",
    "http://shop.example:6379/",
    "http://shop.example:0/",
    "http://shop.example:99999/",
    "http://shop.example:{p}/",
    "https://shop.example:80a/",
    "http://shop_.example.:80/",
    "http://-shop.example/",
    "http://" + "a" * 64 + ".example/",
    "http://" + "a." * 130 + "example/",
    "http://[::1/",
    "http://]/",
    "http://",
    "",
    "http://shop.example/" + "a" * 9000,
]


def never(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} must not even be looked up")


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_address_is_refused_unheard(url):
    with serving(answer()) as four, serving(answer(), host="::1") as six:
        for server in (four, six):
            with pytest.raises(DataError) as caught:
                HttpClient(resolve=never).get(url.replace("{p}", str(server.port)))
            assert caught.value.code == "connector.address_refused"
    assert four.connections + six.connections == 0


HOSTILE_ANSWERS = [
    ["127.0.0.1"],
    ["::1"],
    ["10.1.2.3"],
    ["169.254.169.254"],
    ["::ffff:127.0.0.1"],
    ["::ffff:93.184.215.14"],
    ["64:ff9b::7f00:1"],
    ["64:ff9b:1::1"],
    ["2002:7f00:1::"],
    ["2001:0:1::1"],
    ["fd00::1"],
    ["fe80::1%eth0"],
    ["0.0.0.0"],
    ["::"],
    ["100.64.0.1"],
    ["224.0.0.1"],
    [PUBLIC, "127.0.0.1"],
    [PUBLIC, "::1"],
    ["127.0.0.1", PUBLIC],
    ["not an address"],
]


@pytest.mark.parametrize("found", HOSTILE_ANSWERS)
def test_a_name_of_a_private_address_is_refused_unheard(found):
    with serving(answer()) as canary:
        client = HttpClient(resolve=lambda host, port: found, allowed_hosts=["other.example"])
        for url in ("http://shop.example/", "https://shop.example/", "https://shop.example:8443/"):
            with pytest.raises(DataError) as caught:
                client.post(url)
            assert caught.value.code == "connector.address_refused"
    assert canary.connections == 0


def test_a_name_is_resolved_once_and_that_address_is_used():
    """A second look-up could give another address (DNS rebinding)."""
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.9"]

    with serving(answer()) as server:
        HttpClient(allow_private=True, resolve=resolve).get(f"http://shop.test:{server.port}/")
    assert asked == ["shop.test"]
    assert server.requests[0].headers["host"] == f"shop.test:{server.port}"


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://0.0.0.0/", "http://[ff02::1]/", "http://127.1/"])
def test_the_demo_setting_opens_one_s_own_network_only(url):
    with pytest.raises(DataError):
        HttpClient(allow_private=True).get(url)


def test_a_connection_opened_under_loose_rules_is_not_used_under_strict_ones():
    with serving(answer()) as server:
        allowed = f"shop.example:{server.port}"
        loose = HttpClient(allowed_hosts=[allowed], resolve=lambda host, port: ["127.0.0.1"])
        assert loose.get(f"http://{allowed}/").status == 200
        with pytest.raises(DataError):
            HttpClient(resolve=lambda host, port: ["127.0.0.1"]).get(f"http://{allowed}/")
    assert len(server.requests) == 1


def test_an_exception_of_the_operator_opens_that_port_only():
    guard = Guard(allowed_hosts=frozenset({"shop.internal:9000"}), resolve=lambda host, port: ["10.0.0.5"])
    assert guard.check_url("http://shop.internal:9000/")
    assert guard.addresses("shop.internal", 9000)
    with pytest.raises(DataError):
        guard.check_url("http://shop.internal:9001/")
    with pytest.raises(DataError):
        guard.addresses("shop.internal", 80)


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/", "https://shop.example:8443/x?y=z@w", "http://8.8.8.8/", "http://[2606:4700::1111]/"],
)
def test_ordinary_shops_are_open(url):
    assert Guard().check_url(url)


def test_a_shop_with_letters_beyond_ascii_is_open():
    asked = []

    def resolve(host, port):
        asked.append(host)
        raise OSError

    with pytest.raises(TransientError):
        HttpClient(resolve=resolve).post("https://bücher.example/")
    assert asked == ["xn--bcher-kva.example"]


@pytest.mark.parametrize("text", [PUBLIC, "1.1.1.1", "2606:4700::1111", "2a00:1450:400e::200e"])
def test_public_addresses_are_global(text):
    assert all(is_global(address) for address in Guard().addresses(text, 443))
