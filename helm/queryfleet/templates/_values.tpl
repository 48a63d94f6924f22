{{- /* Values put together, and what is derived from them. */ -}}

{{- /* The pools as JSON: `pod`, below `worker`, below what the pool itself says. */ -}}
{{- define "queryfleet.pools" -}}
{{- $pools := list -}}
{{- range .Values.pools | default (list (dict "name" "")) -}}
{{- $pool := include "queryfleet.part" (list $ (mergeOverwrite (deepCopy $.Values.worker) (deepCopy .))) | fromJson -}}
{{- if $pool.enabled -}}
{{- $pools = append $pools $pool -}}
{{- end -}}
{{- end -}}
{{- toJson $pools -}}
{{- end -}}

{{- /* Every queue that is spoken of, as JSON. */ -}}
{{- define "queryfleet.queues" -}}
{{- $queues := list -}}
{{- range include "queryfleet.pools" . | fromJsonArray -}}
{{- $queues = append $queues .queue -}}
{{- end -}}
{{- range .Values.runs -}}
{{- $queues = append $queues (.queue | default $.Values.run.queue | default $.Values.worker.queue) -}}
{{- end -}}
{{- $queues | default (list .Values.worker.queue) | uniq | toJson -}}
{{- end -}}

{{- /* A duration of queryfleet, 500ms, 25s, 15m or 1h, in whole seconds, rounded up. */ -}}
{{- define "queryfleet.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" -}}
{{- div (add $number 999) 1000 -}}
{{- else -}}
{{- mul $number (get (dict "s" 1 "m" 60 "h" 3600) $unit) -}}
{{- end -}}
{{- end -}}

{{- /* (root, pool, variable): what the pool's workers have, with the program's own default. */ -}}
{{- define "queryfleet.setting" -}}
{{- $defaults := dict "DRAIN_TIMEOUT" "25s" "STATEMENT_TIMEOUT" "15m" -}}
{{- $name := index . 2 -}}
{{- $own := (index . 1).settings | default dict -}}
{{- hasKey $own $name | ternary (get $own $name) (get (index . 0).Values.settings $name) | default (get $defaults $name) -}}
{{- end -}}

{{- /* (root, pool): after the drain timeout a worker takes 17 s at most: 15 to give jobs back, 2 to sign off. */ -}}
{{- define "queryfleet.leastGrace" -}}
{{- $setting := append . "DRAIN_TIMEOUT" -}}
{{- add (include "queryfleet.setting" $setting | include "queryfleet.seconds" | int) 20 -}}
{{- end -}}

{{- /* (root, pool): no worker goes before the longest job can have ended. */ -}}
{{- define "queryfleet.leastCooldown" -}}
{{- $setting := append . "STATEMENT_TIMEOUT" -}}
{{- include "queryfleet.setting" $setting | include "queryfleet.seconds" | int -}}
{{- end -}}

{{- /* Whether the chart makes the Secret. */ -}}
{{- define "queryfleet.makesSecret" -}}
{{- not (or .Values.secret.existingSecret .Values.secret.files.amqpUrl) -}}
{{- end -}}

{{- /* The Secret with the servers; empty when files stand for it. */ -}}
{{- define "queryfleet.secret" -}}
{{- if .Values.secret.existingSecret -}}
{{- .Values.secret.existingSecret -}}
{{- else if eq (include "queryfleet.makesSecret" .) "true" -}}
{{- include "queryfleet.fullname" . -}}
{{- end -}}
{{- end -}}

{{- /* (root, part): the values of a part, as JSON: `pod` below it, and where its servers are, `secretName`. */ -}}
{{- define "queryfleet.part" -}}
{{- $root := index . 0 -}}
{{- $part := mergeOverwrite (deepCopy $root.Values.pod) (deepCopy (index . 1)) -}}
{{- $_ := set $part "secretName" ($part.existingSecret | default (include "queryfleet.secret" $root)) -}}
{{- toJson $part -}}
{{- end -}}

{{- /* (URLs with a comma between, ports by scheme, ports if there is no URL): the ports of the servers, as JSON. */ -}}
{{- define "queryfleet.ports" -}}
{{- $ports := list -}}
{{- $default := index . 1 -}}
{{- range splitList "," (index . 0) -}}
{{- $url := trim . -}}
{{- if $url -}}
{{- $host := regexReplaceAll "/.*$" (regexReplaceAll "^[a-z]+://(.*@)?" $url "") "" -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $host) | default (get $default (regexFind "^[a-z]+" $url)) | int) -}}
{{- end -}}
{{- end -}}
{{- $ports | default (index . 2) | uniq | toJson -}}
{{- end -}}

{{- /* The key of the signing key, empty when messages are not signed. */ -}}
{{- define "queryfleet.signingKey" -}}
{{- with .Values.secret -}}
{{- if .existingSecret -}}
{{- .keys.signingKey -}}
{{- else if .signingKey -}}
{{- .keys.signingKey | default "signing-key" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The key of the replicas, empty when there are none. */ -}}
{{- define "queryfleet.replicas" -}}
{{- with .Values.secret -}}
{{- if .existingSecret -}}
{{- .keys.replicas -}}
{{- else if .replicas -}}
{{- .keys.replicas | default "replicas" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The data of the Secret that the chart makes. */ -}}
{{- define "queryfleet.secretData" -}}
{{- with .Values.secret -}}
{{ .keys.amqpUrl }}: {{ .amqpUrl | quote }}
{{ .keys.mysqlUrl }}: {{ .mysqlUrl | quote }}
{{- with include "queryfleet.signingKey" $ }}
{{ . }}: {{ $.Values.secret.signingKey | quote }}
{{- end }}
{{- with include "queryfleet.replicas" $ }}
{{ . }}: {{ $.Values.secret.replicas | quote }}
{{- end }}
{{- with .managementUrl }}
{{ $.Values.secret.keys.managementUrl }}: {{ . | quote }}
{{- end }}
{{- end -}}
{{- end -}}

{{- /* The queue of commands that name none: that of `worker` if somebody serves it, else that of the first pool. */ -}}
{{- define "queryfleet.firstQueue" -}}
{{- $queues := include "queryfleet.queues" . | fromJsonArray -}}
{{- has .Values.worker.queue $queues | ternary .Values.worker.queue (first $queues) -}}
{{- end -}}
