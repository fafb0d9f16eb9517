"""The three-way merge of one SOPS file, value by value: base, ours and theirs in, an encrypted file and its conflicts out.

Trees are merged in the clear and in memory; no side counts whose MAC was not verified, and the data key, the recipients
and the selector are chosen, never united. Where the three texts come from, and what becomes of the result, is decided
by who calls: the merge driver and `resolve`.
"""
