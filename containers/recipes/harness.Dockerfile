# The harness's own part, last, so that changing it never installs anything again.
ARG BASE
FROM ${BASE}
# An image of somebody else may end in another user.
USER root
COPY files/fence_harness /usr/sbin/fence_harness
COPY files/fence-relay files/leave-counters files/local-ipc files/start-cluster-node files/start-remote-node /usr/lib/pacemaker-conformance/
COPY files/Witness /usr/lib/ocf/resource.d/conformance/Witness
RUN chmod 0755 /usr/lib/ocf/resource.d/conformance/Witness /usr/sbin/fence_harness /usr/lib/pacemaker-conformance/*
ENTRYPOINT []
CMD ["sleep", "infinity"]
