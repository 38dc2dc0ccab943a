"""Messages as Hypothesis draws them: everything that the types allow, within the wire's limits."""

from hypothesis import strategies as st

from contract.lanes import Lane
from contract.messages import (
    Ack,
    Batch,
    Config,
    DeviceRows,
    Done,
    Gap,
    Hello,
    LaneRange,
    Refusal,
    RegisteredDevice,
    Row,
    RowExtra,
    Say,
)

SEQ_MAX = 2**53 - 1
seqs = st.integers(1, SEQ_MAX)
millis = st.integers(0, SEQ_MAX)
words = st.text(max_size=30)
gateways = st.from_regex(r"gw-[0-9a-z]{4,16}", fullmatch=True)
journals = st.from_regex(r"[0-9a-z-]{1,64}", fullmatch=True)
lanes = st.sampled_from(Lane)
lane_names = st.sampled_from([str(lane) for lane in Lane])

extras = st.builds(
    RowExtra,
    q=st.sampled_from(["ok", "implausible", "test"]),
    tq=st.sampled_from(["device", "gateway", "received"]),
    r=st.booleans(),
    ch=st.none() | words,
    path=st.none() | words,
    age_ms=st.none() | millis,
    rep=st.none() | seqs,
    cancels=st.none() | seqs,
    raw=st.none() | words,
    topic=st.none() | words,
)
values = (
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
    | st.none()
)
rows = st.builds(
    Row,
    dt_ms=st.integers(-(2**40), 2**40),
    seq=seqs,
    name=words,
    value=values,
    unit=st.none() | words,
    x=st.none() | extras,
)
devices = st.builds(DeviceRows, id=words, rows=st.lists(rows, min_size=1, max_size=5))


@st.composite
def gaps(draw):
    """A closed range that the edge dropped."""
    first = draw(st.integers(1, SEQ_MAX - 10))
    last = draw(st.integers(first, first + 10))
    return Gap(first, last, last - first + 1, draw(st.sampled_from(["thinned", "full", "expired"])))


@st.composite
def batches(draw):
    """Readings of one lane; exactly one on the alarm lane."""
    lane = draw(lane_names)
    alarm = st.lists(st.builds(DeviceRows, words, st.lists(rows, min_size=1, max_size=1)))
    some = st.lists(devices, min_size=1, max_size=4)
    return Batch(
        gateway=draw(gateways),
        journal=draw(journals),
        boot=draw(words),
        lane=lane,
        t0_ms=draw(millis),
        sent_ms=draw(millis),
        devices=draw(alarm.filter(lambda found: len(found) == 1) if lane == "alarm" else some),
        gaps=draw(st.lists(gaps(), max_size=3)),
        run=draw(st.sampled_from(["live", "backlog"])),
        clock=draw(st.sampled_from(["synced", "unsynced"])),
    )


ranges = st.builds(LaneRange, lowest=seqs, highest=millis)
hellos = st.builds(
    Hello,
    gateway=gateways,
    journal=journals,
    boot=words,
    version=words,
    sent_ms=millis,
    lanes=st.dictionaries(lane_names, ranges),
    v=st.just(1),
)
dones = st.builds(Done, gateway=gateways, cmds=st.lists(words, max_size=4), v=st.just(1))
acks = st.builds(
    Ack,
    journal=journals,
    lane=lane_names,
    cloud_epoch=words,
    v=st.just(1),
    seqs=st.lists(seqs, max_size=5),
    intervals=st.lists(st.tuples(seqs, seqs), max_size=5),
    refused=st.lists(st.builds(Refusal, seqs, words), max_size=3),
    hello=st.booleans(),
)
says = st.builds(
    Say,
    id=words,
    home=words,
    key=words,
    words=st.dictionaries(st.sampled_from(["zh", "en"]), words),
    sent_ms=millis,
    expires_ms=millis,
    v=st.just(1),
)
registered = st.builds(
    RegisteredDevice,
    id=words,
    home=words,
    topic=words,
    is_sos=st.booleans(),
    vendor=words,
    model=words,
    profile=st.none() | words,
)
configs = st.builds(
    Config,
    revision=millis,
    devices=st.lists(registered, max_size=4),
    cancel_window_s=millis,
    v=st.just(1),
)
ups = batches() | hellos | dones
downs = acks | says | configs
