# The harness's own part, last, so that changing it never installs anything again.
ARG BASE
FROM ${BASE}
# An image of somebody else may end in another user.
USER root
COPY files/fence_harness /usr/sbin/fence_harness
COPY files/alert files/fence-relay files/leave-counters files/local-ipc files/start-cluster-node files/start-remote-node /usr/lib/pacemaker-conformance/
COPY files/Scripted files/Witness /usr/lib/ocf/resource.d/conformance/
COPY files/conformance-scripted /etc/init.d/
# Alerts run as another user than agents, and all keep their records in one place.
RUN cd /usr/lib/ocf/resource.d/conformance && cp Witness NotExecutable \
 && chmod 0644 NotExecutable && chmod 0755 Scripted Witness /etc/init.d/conformance-scripted \
        /usr/sbin/fence_harness /usr/lib/pacemaker-conformance/* \
 && mkdir -p -m 0777 /var/lib/pacemaker-conformance/records
ENTRYPOINT []
CMD ["sleep", "infinity"]
