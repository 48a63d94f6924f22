{{- /* What the pods of all parts have in common. A part is a dictionary: `pod` with what the part says merged in. */ -}}

{{- /* (root, part): the head of a pod's spec. */ -}}
{{- define "queryfleet.podHead" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
automountServiceAccountToken: false
# Else a Service named queryfleet-… would put variables with our prefix into the pod.
enableServiceLinks: false
securityContext:
  {{- toYaml $part.podSecurityContext | nindent 2 }}
{{- with concat $root.Values.global.imagePullSecrets $root.Values.image.pullSecrets | uniq }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with $part.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $part.schedulerName }}
schedulerName: {{ . | quote }}
{{- end }}
{{- with $part.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with $part.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* (root, part): image, rights and resources of a container. */ -}}
{{- define "queryfleet.container" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
image: {{ include "queryfleet.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml $part.securityContext | nindent 2 }}
{{- with $part.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* (part, containers as YAML, init containers as YAML): the containers of a pod, ours after the user's own. */ -}}
{{- define "queryfleet.containers" -}}
{{- $part := index . 0 -}}
{{- if or $part.initContainers (index . 2) }}
initContainers:
  {{- with $part.initContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with index . 2 }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
containers:
  {{- index . 1 | nindent 2 }}
  {{- with $part.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* (root, part, queue): the variables of queryfleet, then those of the user. */ -}}
{{- define "queryfleet.environment" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- if $part.secretName }}
- {name: QUERYFLEET_AMQP_URL_FILE, value: /etc/queryfleet/secret/amqp-url}
- {name: QUERYFLEET_MYSQL_URL_FILE, value: /etc/queryfleet/secret/mysql-url}
{{- if include "queryfleet.signingKey" $root }}
- {name: QUERYFLEET_SIGNING_KEY_FILE, value: /etc/queryfleet/secret/signing-key}
{{- end }}
{{- if include "queryfleet.replicas" $root }}
- {name: QUERYFLEET_REPLICAS_FILE, value: /etc/queryfleet/secret/replicas}
{{- end }}
{{- if $part.seesPolicies }}
- {name: QUERYFLEET_MANAGEMENT_URL_FILE, value: /etc/queryfleet/secret/management-url}
{{- end }}
{{- else }}
{{- with $root.Values.secret.files }}
- {name: QUERYFLEET_AMQP_URL_FILE, value: {{ .amqpUrl | quote }}}
- {name: QUERYFLEET_MYSQL_URL_FILE, value: {{ .mysqlUrl | quote }}}
{{- with .signingKey }}
- {name: QUERYFLEET_SIGNING_KEY_FILE, value: {{ . | quote }}}
{{- end }}
{{- with .replicas }}
- {name: QUERYFLEET_REPLICAS_FILE, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- end }}
{{- range $server, $prefix := dict "broker" "AMQP" "database" "MYSQL" }}
{{- with get $root.Values.tls $server }}
{{- if .existingSecret }}
- {name: QUERYFLEET_{{ $prefix }}_CA, value: /etc/queryfleet/{{ $server }}/ca.crt}
{{- if .clientCertificate }}
- {name: QUERYFLEET_{{ $prefix }}_CERT, value: /etc/queryfleet/{{ $server }}/tls.crt}
- {name: QUERYFLEET_{{ $prefix }}_KEY, value: /etc/queryfleet/{{ $server }}/tls.key}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
- {name: QUERYFLEET_QUEUE, value: {{ index . 2 | quote }}}
{{- /* Not `merge`, which takes "" for unset: a pool says "" to leave out what is set for all. */}}
{{- range $name, $value := mergeOverwrite (deepCopy $root.Values.settings) ($part.settings | default dict) }}
{{- if not (has $value (list nil "")) }}
- name: QUERYFLEET_{{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- with $part.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* (root, part): where the files are that the variables name. */ -}}
{{- define "queryfleet.mounts" -}}
{{- $root := index . 0 -}}
{{- if (index . 1).secretName }}
- {name: secret, mountPath: /etc/queryfleet/secret, readOnly: true}
{{- end }}
{{- range $server := list "broker" "database" }}
{{- if (get $root.Values.tls $server).existingSecret }}
- {name: {{ $server }}-tls, mountPath: /etc/queryfleet/{{ $server }}, readOnly: true}
{{- end }}
{{- end }}
{{- with (index . 1).volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* (root, part): the volumes to these mounts. 0440: for the group of fsGroup, the user is not the owner. */ -}}
{{- define "queryfleet.volumes" -}}
{{- $root := index . 0 -}}
{{- $keys := $root.Values.secret.keys -}}
{{- with (index . 1).secretName }}
- name: secret
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
    items:
      - {key: {{ $keys.amqpUrl | quote }}, path: amqp-url}
      - {key: {{ $keys.mysqlUrl | quote }}, path: mysql-url}
      {{- with include "queryfleet.signingKey" $root }}
      - {key: {{ . | quote }}, path: signing-key}
      {{- end }}
      {{- with include "queryfleet.replicas" $root }}
      - {key: {{ . | quote }}, path: replicas}
      {{- end }}
      {{- if (index $ 1).seesPolicies }}
      - {key: {{ $keys.managementUrl | quote }}, path: management-url}
      {{- end }}
{{- end }}
{{- range $server := list "broker" "database" }}
{{- with (get $root.Values.tls $server).existingSecret }}
- name: {{ $server }}-tls
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- with (index . 1).volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* (root, part, component): labels and annotations of a pod. */ -}}
{{- define "queryfleet.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
labels:
  {{- include "queryfleet.labels" (list $root (index . 2) $part.labels) | nindent 2 }}
{{- $annotations := merge (dict) ($part.annotations | default dict) $root.Values.commonAnnotations -}}
{{- if eq (include "queryfleet.makesSecret" $root) "true" -}}
{{- $_ := set $annotations "checksum/secret" (include "queryfleet.secretData" $root | sha256sum) -}}
{{- end -}}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
