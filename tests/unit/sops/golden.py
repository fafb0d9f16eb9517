"""The golden file of the format: fixed data key, every leaf type, made by the real sops code at v3.13.2."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping

from secretsync.secrecy import SecretBytes

DATA_KEY = SecretBytes(b"f" * 32)

MAC_HEX = (
    "F374F1D13A9D721333DEDBE443D5BF74BDC2E843163EB455863208C2C27FFB27"
    "BF8CAC502E47F94DDB40EAC3E4E25080F82FD59536D9460ED14F56C0B4EAD22A"
)
MAC_HEX_ONLY_ENCRYPTED = (
    "385993DBF145E4414C843D0EBDB20D54A0E67843A16FEFE0EAF4A3AB716522F7"
    "AB385ECE416C1BD2AD3D56AB0A0FAA05DFCB9284BC5DA6A744134D74C53CC986"
)

PLAIN = """\
# note
s: hello
i: 42
f: 3.50
t: true
d: 2024-01-01
n: null
e: ""
m:
  k: v # why
  l: [x, x, 1]
u_unencrypted: 7
"""

ENCRYPTED = """\
#ENC[AES256_GCM,data:Ea9BiUw=,iv:dTG54Q//hsJl9tDgySQyXbhaJHTd4B43fMiyI91EgN0=,tag:Ryu7dGsxTfEqzOP0riFteg==,type:comment]
s: ENC[AES256_GCM,data:CflO3CQ=,iv:M6EmYo5fHq+e4TS8S2W6PipWs32G6e6A5JES9KnMwR4=,tag:pZPt9arHKB73VjRbHYx59w==,type:str]
i: ENC[AES256_GCM,data:QE0=,iv:GmSPjhw83g3ml59mSSYomoHgeL7HCkkYzZ3NPLatEV4=,tag:VqWJB/HQop2rNy9ARqfHEw==,type:int]
f: ENC[AES256_GCM,data:8OxB,iv:P2rbB+hexojfztPY1YJbzRVcYeMfcjLbGhJ9zT+dLqk=,tag:pnkrUQkT931GzoMQj//IFw==,type:float]
t: ENC[AES256_GCM,data:HUPftQ==,iv:5IcvNwsW4cIh3nHLp0S+4PfySQyraXy2OekjDGxwX1I=,tag:4X5kEdcAPFuWWgXvGlDhVA==,type:bool]
d: ENC[AES256_GCM,data:CSJ0TUjr1/1eeAn/C/wtFnB7vSY=,iv:d3Ts8+YCyOQOo8B+TR4nXyHfWyldD2JEfOEiyBzVd48=,tag:YKBSG0LATH4ri94u1Xra6g==,type:time]
"n": null
e: ""
m:
    k: ENC[AES256_GCM,data:aA==,iv:nMhN8OjNhLxfS+9mJEvVqAcseRDuMagKcSt0NcEde6g=,tag:1ZS8132bArPGzX6azHkH5g==,type:str] #ENC[AES256_GCM,data:KMMRcA==,iv:1PoljOw79Cs4sgonZzZdWi2oOQECedKlHdezU+0UMQ0=,tag:eGgcA2uLjNFITjq5NTaUhg==,type:comment]
    l:
        - ENC[AES256_GCM,data:Ng==,iv:x0naAqM++KYZAgHom+gACWg/oxtJ3fBR0mTQP9mL6bM=,tag:PeAh3xAX9aqUJB7hJEUzog==,type:str]
        - ENC[AES256_GCM,data:FQ==,iv:d4M0cLVk5Fs8XtxVY2Y2izrcgLXnvyTv/nIGaJCCbI0=,tag:fKjwyGCc37abC5XAH3UH1w==,type:str]
        - ENC[AES256_GCM,data:xw==,iv:2l+MlS8AM6hX4Uh+ZVEWMcFpqJf20+hna2P5S7uqrPs=,tag:h8xlItSUn/+Y4j9HRx3eQA==,type:int]
u_unencrypted: 7
sops:
    age:
        - enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            AAAA
            -----END AGE ENCRYPTED FILE-----
          recipient: age1r00
    lastmodified: "2026-01-02T03:04:05Z"
    mac: ENC[AES256_GCM,data:7KEFtmKTeeeIyZVPowvQ+ZlWdnD7bpKQq96fWzsnzTpG0UzwgKNdVztgJ12Nuo29NplCKRAvOD9G7HHBsHHkIgwIxdRL1zN1ojRoVl7NOIQaeK/gv/YMsEBedaK/+y6ULEytHfTK3tTHoCl0sRuld602OOwdu6MW7TwVYLVRm7w=,iv:hsqKrxVEt2FqvS1Dt8Cd8OaJh6D83hM/3EKNcrqEUig=,tag:zo1gXHdWksL/w6JMftKAIQ==,type:str]
    unencrypted_suffix: _unencrypted
    version: 3.13.2
"""


class FixedKeys:
    """Stands in for master keys: every envelope holds the golden data key, or the given one."""

    def __init__(self, data_key: SecretBytes = DATA_KEY) -> None:
        self.data_key = data_key

    def unwrap(self, kind: str, fields: AnyMapping[str, object]) -> SecretBytes:
        """Return the data key, whatever the envelope."""
        return self.data_key

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Return a dummy envelope and remember the data key."""
        self.data_key = data_key
        return {"recipient": recipient, "enc": f"wrapped for {recipient}\n"}

    def recipient(self, kind: str, fields: AnyMapping[str, object]) -> str:
        """Return the recipient."""
        return str(fields.get("recipient", ""))

    def canonical(self, kind: str, name: str) -> str:
        """Return the name."""
        return name
