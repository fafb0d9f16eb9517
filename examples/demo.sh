#!/usr/bin/env bash
# The demo: what lies in Git, rendered to plain Secrets and to SealedSecrets, and back. Run it with `make demo`.
# Usage: demo.sh FOLDER_OF_SECRETSYNC
set -euo pipefail

PATH="$(cd "$1" && pwd):$PATH"
cd "$(dirname "$0")"
export SOPS_AGE_KEY_FILE=demo-keys/cluster.agekey
unset SOPS_AGE_KEY SOPS_CONFIG NO_COLOR SEALED_SECRETS_CERT 2>/dev/null || true

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; fi

step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; shift; for line in "$@"; do printf '   %s\n' "$line"; done; }
shown() { printf '   %s$ %s%s\n' "$dim" "${*//$out/OUT}" "$plain"; }
excerpt() { cut -c1-"${COLUMNS:-96}" | sed 's/^/   | /'; }

printf '%s\n' "A small shop, as it lies in Git: examples/shop holds a Deployment, a Service, a ConfigMap and two Secrets." \
  "The Secrets were encrypted by the real sops. Their keys lie in examples/demo-keys: UNSAFE, for this demo alone."

step "1. What Git holds: names in the clear, values encrypted"
shown grep -A4 stringData shop/database.enc.yaml
grep -A4 '^stringData' shop/database.enc.yaml | excerpt

step "2. Is everything encrypted, authentic and readable with our key?"
shown secretsync check --allow-demo-keys shop
secretsync check --allow-demo-keys shop | excerpt

step "3. Render for the cluster: the Secrets revealed, everything else byte for byte as it was"
shown secretsync render --allow-demo-keys shop
secretsync render --allow-demo-keys shop > "$out/revealed.yaml"
grep -A4 '^stringData' "$out/revealed.yaml" | excerpt
for name in configmap deployment service; do
  secretsync render --allow-demo-keys "shop/$name.yaml" | cmp -s - "shop/$name.yaml"
done
printf '   configmap.yaml, deployment.yaml, service.yaml: identical bytes\n'

step "4. Or render without any plaintext: each Secret as a SealedSecret, which only the cluster's controller opens"
shown secretsync render --allow-demo-keys --mode seal --cert demo-keys/sealing.crt shop
secretsync render --allow-demo-keys --mode seal --cert demo-keys/sealing.crt shop > "$out/sealed.yaml"
sed -n '/kind: SealedSecret/,/template:/p' "$out/sealed.yaml" | sed '/template:/,$d' | excerpt

step "5. The same input gives the same bytes, so that no engine sees a change where there is none"
for mode in reveal seal; do
  secretsync render --allow-demo-keys --mode $mode --cert demo-keys/sealing.crt shop > "$out/first"
  secretsync render --allow-demo-keys --mode $mode --cert demo-keys/sealing.crt shop > "$out/second"
  cmp "$out/first" "$out/second"
  printf '   %-6s twice: identical (%s)\n' $mode "$(cksum < "$out/first" | cut -d' ' -f1)"
done

step "6. And back: what the controller will make of the SealedSecrets is what was encrypted"
mkdir "$out/secrets"
for name in database signing; do
  secretsync render --allow-demo-keys --mode seal --cert demo-keys/sealing.crt "shop/$name.enc.yaml" > "$out/$name.yaml"
  shown secretsync unseal --recovery-private-key demo-keys/sealing.key "$name.yaml"
  secretsync unseal --recovery-private-key demo-keys/sealing.key "$out/$name.yaml" > "$out/secrets/$name.json"
done
python - "$out" <<'PYTHON'
import base64
import json
import subprocess
import sys

out = sys.argv[1]
for name in ("database", "signing"):
    with open(f"{out}/secrets/{name}.json", encoding="utf-8") as file:
        unsealed = {key: base64.b64decode(value) for key, value in json.load(file)["data"].items()}
    command = ["secretsync", "render", "--allow-demo-keys", "-o", "json", f"shop/{name}.enc.yaml"]
    secret = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    revealed = {key: value.encode() for key, value in secret.get("stringData", {}).items()}
    revealed |= {key: base64.b64decode(value) for key, value in secret.get("data", {}).items()}
    if unsealed != revealed:
        sys.exit(f"{name}: the unsealed values differ from the encrypted ones")
    sizes = ", ".join(f"{key} ({len(value)} bytes)" for key, value in sorted(unsealed.items()))
    print(f"   {name}: equal: {sizes}")
PYTHON

step "7. Second act: alice leaves. So far, she and the cluster can open both Secrets; keys/ says so, and it is in Git"
repo=$out/repo
git() { command git -C "$repo" -c user.name=demo -c user.email=demo@example.org "$@"; }
recipient() { sed -n "s/.*- \(age1[0-9a-z]*\) # $1.*/\1/p" .sops.yaml; }
mkdir -p "$repo/keys/people" "$repo/keys/clusters"
cp -r shop "$repo"
for who in people/alice clusters/cluster; do
  printf 'kind: Principal\nname: %s\nkeys:\n  - {id: %s-key, type: age, recipient: %s}\n' \
    "${who#*/}" "${who#*/}" "$(recipient "${who#*/}")" > "$repo/keys/$who.yaml"
done
cat > "$repo/keys/policy.yaml" <<'POLICY'
rules:
  - paths: ["shop/*.enc.yaml"]
    readers: [alice, cluster]
    encrypt: {encrypted_regex: "^(data|stringData)$"}
POLICY
git init -q -b main && git config user.name demo && git config user.email demo@example.org
git add -A && git commit -qm 'the shop and its key ring'
shown secretsync exposure alice
secretsync exposure --allow-demo-keys -C "$repo" alice | excerpt

step "8. Plan, apply, prove: new data keys without alice, on a branch of its own"
shown secretsync runbook remove apply alice --held alice.agekey
secretsync runbook remove apply alice --yes --allow-demo-keys -C "$repo" --held demo-keys/alice.agekey > "$out/runbook"
sed -n '/^  V[1-9]/p' "$out/runbook" | excerpt
git merge -q --ff-only "$(git branch --format='%(refname:short)' --list 'secretsync/*')"

step "9. Her key opens what was written before, which is why those values change at their source, and nothing since"
for when in before after; do
  rev=$([ $when = before ] && printf 'HEAD~2' || printf 'HEAD')
  git show "$rev:shop/database.enc.yaml" > "$out/database.$when.enc.yaml"
  if SOPS_AGE_KEY_FILE=demo-keys/alice.agekey \
    secretsync decrypt --allow-demo-keys "$out/database.$when.enc.yaml" > "$out/opened" 2> "$out/refusal"; then
    printf '   %-6s alice opens it\n' "$when"
  else
    printf '   %-6s alice is refused: %s\n' "$when" "$(grep -o 'no identity here opens this file' "$out/refusal")"
  fi
done
secretsync decrypt --allow-demo-keys "$out/database.before.enc.yaml" > "$out/before"
secretsync decrypt --allow-demo-keys "$out/database.after.enc.yaml" | cmp - "$out/before"
printf '   the cluster opens both, and finds identical bytes\n'

step "That was it. Next:" "secretsync --help" "docs/tutorial/first-secret.md: the same with a key and a Secret of your own" \
  "docs/how-to/runbooks: one page for each day on which keys have to change"
