{{- /* Values put together, and what is derived from them. */ -}}

{{- /* The pools as JSON: `pod`, below `worker`, below what the pool itself says. */ -}}
{{- define "queryfleet.pools" -}}
{{- $pools := list -}}
{{- range .Values.pools | default (list (dict "name" "")) -}}
{{- $pool := mergeOverwrite (deepCopy $.Values.pod) (deepCopy $.Values.worker) (deepCopy .) -}}
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
{{- $queues = append $queues (.queue | default $.Values.worker.queue) -}}
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
{{- get (index . 1).settings $name | default (get (index . 0).Values.settings $name) | default (get $defaults $name) -}}
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

{{- define "queryfleet.secret" -}}
{{- .Values.secret.existingSecret | default (include "queryfleet.fullname" .) -}}
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

{{- /* The data of the Secret that the chart makes. */ -}}
{{- define "queryfleet.secretData" -}}
{{- with .Values.secret -}}
{{ .keys.amqpUrl }}: {{ .amqpUrl | quote }}
{{ .keys.mysqlUrl }}: {{ .mysqlUrl | quote }}
{{- with include "queryfleet.signingKey" $ }}
{{ . }}: {{ $.Values.secret.signingKey | quote }}
{{- end }}
{{- with .managementUrl }}
{{ $.Values.secret.keys.managementUrl }}: {{ . | quote }}
{{- end }}
{{- end -}}
{{- end -}}
