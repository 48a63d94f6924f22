{{- /* A run: what its Job does, whether it is made now or by a schedule. */ -}}

{{- /* (run): the files as the container sees them. */ -}}
{{- define "queryfleet.runFiles" -}}
{{- $files := list -}}
{{- range .files | default (list "input.sql") -}}
{{- $files = append $files (printf "/input/%s" .) -}}
{{- end -}}
{{- toJson $files -}}
{{- end -}}

{{- /* (root, run): the volume at /input. */ -}}
{{- define "queryfleet.runInput" -}}
{{- $run := index . 1 -}}
- name: input
  {{- if $run.sql }}
  configMap: {name: {{ include "queryfleet.object" (list (index . 0) (printf "run-%s" $run.name)) }}}
  {{- else if $run.configMap }}
  configMap: {name: {{ $run.configMap | quote }}}
  {{- else }}
  {{- toYaml $run.volume | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* (root, run, "publish" or "wait"). A CronJob's runs are named as their Jobs: the same when a pod is tried again. */ -}}
{{- define "queryfleet.runContainer" -}}
{{- $part := list (index . 0) (index . 1) -}}
{{- $run := index . 1 -}}
{{- $command := index . 2 -}}
{{- $name := empty $run.schedule | ternary $run.name "$(RUN)" -}}
- name: {{ $command }}
  args:
    - {{ $command }}
    {{- if eq $command "wait" }}
    - {{ $name | quote }}
    {{- with $run.timeout }}
    - --timeout={{ . }}
    {{- end }}
    {{- else }}
    {{- range include "queryfleet.runFiles" $run | fromJsonArray }}
    - {{ . | quote }}
    {{- end }}
    - --run={{ $name }}
    - --chunk={{ $run.chunk }}
    {{- with $run.notAtomic }}
    - --not-atomic={{ . }}
    {{- end }}
    {{- with $run.canary }}
    - --canary={{ int . }}
    {{- end }}
    {{- with $run.halt }}
    - --halt={{ kindIs "string" . | ternary . (int64 .) }}
    {{- end }}
    {{- with $run.sessionSql }}
    - {{ printf "--session-sql=%s" . | quote }}
    {{- end }}
    {{- end }}
  {{- include "queryfleet.container" $part | nindent 2 }}
  env:
    {{- if $run.schedule }}
    - {name: RUN, valueFrom: {fieldRef: {fieldPath: "metadata.labels['job-name']"}}}
    {{- end }}
    {{- include "queryfleet.environment" (append $part ($run.queue | default (index . 0).Values.worker.queue)) | nindent 4 }}
  volumeMounts:
    {{- include "queryfleet.mounts" $part | nindent 4 }}
    {{- if eq $command "publish" }}
    - {name: input, mountPath: /input, readOnly: true}
    {{- end }}
{{- end -}}

{{- /* (root, run): the spec of the Job. */ -}}
{{- define "queryfleet.runJob" -}}
{{- $root := index . 0 -}}
{{- $run := index . 1 -}}
backoffLimit: {{ $run.backoffLimit }}
{{- if not (kindIs "invalid" $run.ttlSecondsAfterFinished) }}
ttlSecondsAfterFinished: {{ int $run.ttlSecondsAfterFinished }}
{{- end }}
{{- with $run.activeDeadlineSeconds }}
activeDeadlineSeconds: {{ int . }}
{{- end }}
{{- if $run.suspend }}
suspend: true
{{- end }}
podFailurePolicy:
  rules:
    # Evicted or preempted: the next pod goes on where this one stopped.
    - action: Ignore
      onPodConditions: [{type: DisruptionTarget, status: "True"}]
    # Wrong usage, dead jobs, cancelled, timed out, jobs missing, halted, purged: another pod would find the same. Of these
    # containers only: a curl that fetches the input ends with 6 or 7 when the network fails.
    {{- range $run.wait | ternary (list "publish" "wait") (list "publish") }}
    - action: FailJob
      onExitCodes: {containerName: {{ . }}, operator: In, values: [2, 3, 4, 5, 6, 7, 8]}
      # Before 1.29 the schema wants it.
      onPodConditions: []
    {{- end }}
template:
  metadata:
    {{- include "queryfleet.podMetadata" (append . "run") | nindent 4 }}
  spec:
    restartPolicy: Never
    serviceAccountName: {{ include "queryfleet.serviceAccount" $root | quote }}
    {{- include "queryfleet.podHead" . | nindent 4 }}
    {{- $publish := include "queryfleet.runContainer" (append . "publish") }}
    {{- if $run.wait }}
    {{- include "queryfleet.containers" (list $run (include "queryfleet.runContainer" (append . "wait")) $publish) | nindent 4 }}
    {{- else }}
    {{- include "queryfleet.containers" (list $run $publish "") | nindent 4 }}
    {{- end }}
    volumes:
      {{- include "queryfleet.volumes" . | nindent 6 }}
      {{- include "queryfleet.runInput" . | nindent 6 }}
{{- end -}}
