#!/usr/bin/env bash
# Tries the chart on a real cluster, in Docker: installs it, asks `helm test`, publishes a run, restarts all workers in its
# middle, and looks whether every statement took effect once. Deletes the cluster at the end, unless KEEP=1.
# usage: [KEEP=1] deploy/kind.sh; needs docker, kind, kubectl and helm
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cluster=queryfleet jobs=20000
for program in docker kind kubectl helm; do
    command -v "$program" >/dev/null || {
        echo "kind.sh: $program is not in PATH" >&2
        exit 1
    }
done

kube() {
    kubectl --context "kind-$cluster" --namespace fleet "$@"
}

queryfleet() {
    kube exec -i deployment/queryfleet-toolbox -- queryfleet "$@"
}

sql() {
    kube exec -i deployment/mariadb -- mariadb --user=fleet --password=fleet --batch --skip-column-names shop
}

[ "${KEEP:-}" = 1 ] || trap 'kind delete cluster --name "$cluster"' EXIT
kind create cluster --name "$cluster" --wait 5m
docker build --file deploy/Dockerfile --tag queryfleet:0.1.0 .
kind load docker-image queryfleet:0.1.0 --name "$cluster"

kubectl --context "kind-$cluster" create namespace fleet
kube label namespace fleet pod-security.kubernetes.io/warn=restricted
kube apply --filename deploy/kind/servers.yaml
kube create secret generic servers \
    --from-literal=amqp-url='amqp://fleet:fleet@rabbitmq:5672/%2f' \
    --from-literal=mysql-url='mysql://fleet:fleet@mariadb:3306/shop'
kube wait --for condition=Available deployment --all --timeout 5m
sql <deploy/compose/customers.sql

helm --kube-context "kind-$cluster" install queryfleet helm/queryfleet --namespace fleet --values deploy/kind/values.yaml \
    --wait --wait-for-jobs --timeout 5m
helm --kube-context "kind-$cluster" test queryfleet --namespace fleet --logs

seq "$jobs" | sed 's/.*/UPDATE customers SET visits = visits + 1 WHERE id = 3 + & % 900;/' | queryfleet publish - --run kind
kube rollout restart deployment/queryfleet-worker
kube rollout status deployment/queryfleet-worker --timeout 5m
queryfleet wait kind --timeout 10m
queryfleet status

found=$(sql <<<'SELECT SUM(visits) FROM customers')
[ "$found" -eq $((jobs + 2)) ] || {
    echo "kind.sh: $found visits instead of $((jobs + 2))" >&2
    exit 1
}
echo "kind.sh: each of $((jobs + 2)) statements took effect once, through a restart of all workers"
