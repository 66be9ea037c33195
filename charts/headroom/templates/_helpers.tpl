{{/* Names, labels, and the rules that a Role and the ClusterRole share. */}}

{{- define "headroom.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "headroom.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "headroom.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "headroom.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "headroom.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "headroom.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* What a Deployment may never change. */}}
{{- define "headroom.selectorLabels" -}}
app.kubernetes.io/name: {{ include "headroom.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "headroom.labels" -}}
{{ include "headroom.selectorLabels" . }}
{{ include "headroom.releaseLabels" . }}
{{- end -}}

{{/* Those that change with a release. */}}
{{- define "headroom.releaseLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What the restricted Pod Security Standard asks of every container, and more. */}}
{{- define "headroom.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "headroom.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.podSecurityContext }}
{{ toYaml . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* What the operator needs where its policies are. tests/cluster/rights.rs shows that it is enough, and all needed. */}}
{{- define "headroom.rules" -}}
- apiGroups: [headroom.dev]
  resources: [scalingpolicies]
  verbs: [get, list, watch]
- apiGroups: [headroom.dev]
  resources: [scalingpolicies/status]
  verbs: [patch]
# Targets, and the owners by which a pod is told to be theirs.
- apiGroups: [apps]
  resources: [deployments, statefulsets, replicasets]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [deployments/scale, statefulsets/scale]
  verbs: [get, patch]
{{- range .Values.rbac.targets }}
- apiGroups: [{{ .apiGroup | quote }}]
  resources: [{{ printf "%s/scale" .resource }}]
  verbs: [get, patch]
{{- end }}
{{- if .Values.rbac.anyScale }}
- apiGroups: ["*"]
  resources: ["*/scale"]
  verbs: [get, patch]
{{- end }}
# Which pods are ready, which start, and what they request.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- if .Values.rbac.podDeletionCost }}
- apiGroups: [""]
  resources: [pods]
  verbs: [patch]
{{- end }}
# Rivals.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [list, watch]
# Metrics.
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list]
- apiGroups: [custom.metrics.k8s.io]
  resources: ["*"]
  verbs: [get]
- apiGroups: [external.metrics.k8s.io]
  resources: ["*"]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* The pod of `helm test` is no operator: neither the Service nor the budget counts it. */}}
{{- define "headroom.testSelectorLabels" -}}
app.kubernetes.io/name: {{ include "headroom.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{/* The leases' names as a YAML list in one line. */}}
{{- define "headroom.leases" -}}
{{- $name := include "headroom.fullname" . -}}
{{- $leases := list -}}
{{- if gt (int .Values.shards) 1 -}}
{{- range $i := until (int .Values.shards) -}}
{{- $leases = append $leases (printf "%s-%d" $name $i) -}}
{{- end -}}
{{- else -}}
{{- $leases = append $leases $name -}}
{{- end -}}
{{- $leases | toJson -}}
{{- end -}}

{{/* What no schema can say. */}}
{{- define "headroom.check" -}}
{{- if and (not .Values.leaderElection.enabled) (or (gt (int .Values.replicaCount) 1) (gt (int .Values.shards) 1)) -}}
{{- fail (printf "leaderElection.enabled is false, but replicaCount is %d and shards is %d: every pod would decide. Enable it, or set both to 1." (int .Values.replicaCount) (int .Values.shards)) -}}
{{- end -}}
{{- if and .Values.rbac.create (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false and serviceAccount.name empty: every pod with the namespace's default account would get the operator's rights. Name an account, or set rbac.create to false." -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled .Values.otlpEndpoint (not .Values.networkPolicy.egress) -}}
{{- fail "networkPolicy.enabled would cut the operator off from otlpEndpoint: say in networkPolicy.egress where its pods are." -}}
{{- end -}}
{{- $names := list -}}
{{- range .Values.prometheus.servers -}}
{{- if has .name $names -}}
{{- fail (printf "prometheus.servers names %q twice: give each server a name of its own." .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- if and .tokenSecret .basicAuthSecret -}}
{{- fail (printf "prometheus.servers: %q has tokenSecret and basicAuthSecret: a request has one Authorization header; keep one of them." .name) -}}
{{- end -}}
{{- $local := or (hasPrefix "http://localhost" .url) (hasPrefix "http://127.0.0.1" .url) (hasPrefix "http://[::1]" .url) -}}
{{- if and (or .tokenSecret .basicAuthSecret) (hasPrefix "http://" .url) (not $local) -}}
{{- fail (printf "prometheus.servers: %q has a Secret and the address %s: the operator sends no secret in the clear; use https://." .name .url) -}}
{{- end -}}
{{- if and .caSecret .caConfigMap -}}
{{- fail (printf "prometheus.servers: %q has caSecret and caConfigMap: keep one of them." .name) -}}
{{- end -}}
{{- end -}}
{{- /* Where Helm may look at the cluster (not in `helm template`): two numbers of shards at once would have two pods decide for
one policy, so no rolling update may change it. */ -}}
{{- $name := include "headroom.fullname" . -}}
{{- $live := lookup "apps/v1" "Deployment" .Release.Namespace $name -}}
{{- if and $live (gt (int $live.spec.replicas) 0) -}}
{{- range (index $live.spec.template.spec.containers 0).args -}}
{{- if and (hasPrefix "--shards=" .) (ne . (printf "--shards=%d" (int $.Values.shards))) -}}
{{- fail (printf "shards would change to %d while pods run with %s: two numbers at once would have two pods decide for one policy. First: kubectl -n %s scale deployment/%s --replicas=0" (int $.Values.shards) . $.Release.Namespace $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled .Values.prometheus.servers (not .Values.networkPolicy.egress) -}}
{{- fail "networkPolicy.enabled would cut the operator off from prometheus.servers: say in networkPolicy.egress where their pods are." -}}
{{- end -}}
{{- end -}}
