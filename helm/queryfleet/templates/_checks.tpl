{{- /* What cannot work is refused here, each with its remedy. */ -}}

{{- define "queryfleet.check" -}}
{{- include "queryfleet.checkSecret" . -}}
{{- $names := dict -}}
{{- range include "queryfleet.pools" . | fromJsonArray -}}
{{- include "queryfleet.checkPool" (list $ .) -}}
{{- end -}}
{{- range .Values.pools -}}
{{- if hasKey $names .name -}}
{{- fail (printf "pools: two are named %q" .name) -}}
{{- end -}}
{{- $_ := set $names .name true -}}
{{- end -}}
{{- $names = dict -}}
{{- range .Values.runs -}}
{{- if hasKey $names .name -}}
{{- fail (printf "runs: two are named %q" .name) -}}
{{- end -}}
{{- $_ := set $names .name true -}}
{{- include "queryfleet.checkEnvironment" (list (printf "runs, %q" .name) .) -}}
{{- include "queryfleet.checkServed" (list $ .) -}}
{{- end -}}
{{- range $part := list "pod" "setup" "doctor" "toolbox" -}}
{{- include "queryfleet.checkEnvironment" (list $part (get $.Values $part)) -}}
{{- end -}}
{{- if and .Values.limit.arguments (not .Values.setup.enabled) -}}
{{- fail "limit.arguments needs setup.enabled: the Job runs with its account and settings" -}}
{{- end -}}
{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled -}}
{{- fail "metrics: podMonitor and serviceMonitor would scrape each pod twice: enable one of them" -}}
{{- end -}}
{{- end -}}

{{- define "queryfleet.checkSecret" -}}
{{- with .Values.secret -}}
{{- if and .existingSecret (or .amqpUrl .mysqlUrl .signingKey .replicas .managementUrl) -}}
{{- fail "secret: existingSecret is set, so amqpUrl, mysqlUrl, signingKey, replicas and managementUrl would be ignored: remove one or the other" -}}
{{- end -}}
{{- if and (or .files.amqpUrl .files.mysqlUrl .files.signingKey .files.replicas) (or .existingSecret .amqpUrl .mysqlUrl .signingKey .replicas .managementUrl) -}}
{{- fail "secret: files are named beside a Secret or URLs, and only one of them can count: remove one or the other" -}}
{{- end -}}
{{- if not (or .existingSecret (and .amqpUrl .mysqlUrl) (and .files.amqpUrl .files.mysqlUrl)) -}}
{{- fail "secret: set existingSecret, or both amqpUrl and mysqlUrl, or both files.amqpUrl and files.mysqlUrl" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* (root, run): a run that names no queue goes to that of `worker`, which somebody has to serve. Who names one knows of
       workers elsewhere; so does a release without workers. */ -}}
{{- define "queryfleet.checkServed" -}}
{{- $root := index . 0 -}}
{{- $run := index . 1 -}}
{{- $served := list -}}
{{- range include "queryfleet.pools" $root | fromJsonArray -}}
{{- $served = append $served .queue -}}
{{- end -}}
{{- if and $served (not ($run.queue | default $root.Values.run.queue)) (not (has $root.Values.worker.queue $served)) -}}
{{- fail (printf "runs, %q: it names no queue, and no pool serves %s: set its queue, or run.queue, to one of %s" $run.name $root.Values.worker.queue ($served | uniq | join ", ")) -}}
{{- end -}}
{{- end -}}

{{- /* (where, part): a variable set beside `settings` would pass by what is derived from it. */ -}}
{{- define "queryfleet.checkEnvironment" -}}
{{- $where := index . 0 -}}
{{- range (index . 1).env -}}
{{- if hasPrefix "QUERYFLEET_" .name -}}
{{- fail (printf "%s: env sets %s: that belongs into settings, as %s" $where .name (trimPrefix "QUERYFLEET_" .name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "queryfleet.checkPool" -}}
{{- $pool := index . 1 -}}
{{- $where := empty $pool.name | ternary "worker" (printf "pools, %q" $pool.name) -}}
{{- include "queryfleet.checkEnvironment" (list $where $pool) -}}
{{- $least := include "queryfleet.leastGrace" . | int -}}
{{- with $pool.terminationGracePeriodSeconds -}}
{{- if lt (int .) $least -}}
{{- fail (printf "%s: terminationGracePeriodSeconds is %d, but a worker may need %d s after SIGTERM (DRAIN_TIMEOUT and 20 s): raise it, or leave it out" $where (int .) $least) -}}
{{- end -}}
{{- end -}}
{{- with $pool.podDisruptionBudget -}}
{{- if and (not (kindIs "invalid" .minAvailable)) (ne (toString .maxUnavailable) "1") -}}
{{- fail (printf "%s: podDisruptionBudget has both minAvailable and maxUnavailable: set maxUnavailable back to 1 to use minAvailable" $where) -}}
{{- end -}}
{{- end -}}
{{- include "queryfleet.checkScaling" (append . $where) -}}
{{- end -}}

{{- define "queryfleet.checkScaling" -}}
{{- $secret := (index . 0).Values.secret -}}
{{- $pool := index . 1 -}}
{{- $where := index . 2 -}}
{{- with $pool.scaling -}}
{{- if and (ne .kind "none") (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "%s: scaling.minReplicas is %d and maxReplicas %d" $where (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- if eq .kind "hpa" -}}
{{- if not .hpa.metrics -}}
{{- fail (printf "%s: scaling.hpa.metrics is empty: name at least one metric, or use keda, which looks at the queue" $where) -}}
{{- end -}}
{{- if eq (int .minReplicas) 0 -}}
{{- fail (printf "%s: scaling.minReplicas is 0: a HorizontalPodAutoscaler keeps at least 1; keda can scale to zero" $where) -}}
{{- end -}}
{{- end -}}
{{- if eq .kind "keda" -}}
{{- if and (eq .keda.protocol "amqp") (eq (int .minReplicas) 0) -}}
{{- fail (printf "%s: scaling.keda.protocol amqp does not count what is being executed, so it would stop the last worker in the middle of a job: use http, or minReplicas 1" $where) -}}
{{- end -}}
{{- if and .keda.held.authenticationRef .keda.extraTriggers -}}
{{- fail (printf "%s: scaling.keda.held and extraTriggers exclude each other: KEDA would look at no trigger but those of the formula" $where) -}}
{{- end -}}
{{- if and (eq .keda.protocol "http") (not (or $secret.existingSecret $secret.managementUrl .keda.authenticationRef)) -}}
{{- fail (printf "%s: scaling.kind keda asks RabbitMQ's management interface: set secret.managementUrl or scaling.keda.authenticationRef" $where) -}}
{{- end -}}
{{- if and (eq .keda.protocol "amqp") (contains "," $secret.amqpUrl) (not .keda.authenticationRef) -}}
{{- fail (printf "%s: scaling.keda.protocol amqp takes one URL, and secret.amqpUrl has several: use http, or set scaling.keda.authenticationRef" $where) -}}
{{- end -}}
{{- if and $secret.files.amqpUrl (not .keda.authenticationRef) -}}
{{- fail (printf "%s: scaling.kind keda reads no files of a pod: set scaling.keda.authenticationRef" $where) -}}
{{- end -}}
{{- $least := include "queryfleet.leastCooldown" (list (index $ 0) $pool) | int -}}
{{- with .keda.cooldownPeriod -}}
{{- if lt (int .) $least -}}
{{- fail (printf "%s: scaling.keda.cooldownPeriod is %d, but a statement may take %d s (STATEMENT_TIMEOUT): raise it, or leave it out" $where (int .) $least) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
