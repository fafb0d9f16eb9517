module secretsync-oracle

go 1.25

require github.com/getsops/sops/v3 v3.13.3
