"""What installs us in other tools: Argo CD's manifests, and the folder `deploy` with plug-ins of Helm and kustomize."""
