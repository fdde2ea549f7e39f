# A peer in a container. Everything that it keeps is in the volume /data.
#
#   docker build -t pinsvc .
#   docker run -d --name pinsvc --stop-timeout 90 -v pinsvc:/data \
#       -p 127.0.0.1:9097:9097 -p 9096:9096 -p 9098:9098 -p 9098:9098/udp pinsvc
#   docker logs pinsvc     # how to use it, at the first start
#
# See "Containers" in docs/production.md.

FROM golang:1.26-bookworm AS build
WORKDIR /src
# The modules change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Without C: the program runs on any base.
ENV CGO_ENABLED=0
RUN make install DESTDIR=/out

FROM alpine:3.22
RUN adduser -D -H -u 10097 pinsvc && install -d -m 0700 -o pinsvc -g pinsvc /data
COPY --from=build /out/usr/local/bin/pinsvc /usr/local/bin/pinsvc
USER pinsvc
# The first start writes these into the configuration that it makes. The Pinning
# Service API is for other containers and the port that you publish; the REST API
# stays on loopback: docker exec, or publish it on purpose.
ENV IPFS_CLUSTER_PATH=/data \
    CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS=/ip4/0.0.0.0/tcp/9097
VOLUME /data
# Pinning Service API, cluster, IPFS.
EXPOSE 9097 9096 9098 9098/udp
# Alive, with TLS or without.
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m \
    CMD wget -q -O /dev/null http://127.0.0.1:9097/health || \
        wget -q -O /dev/null --no-check-certificate https://127.0.0.1:9097/health
ENTRYPOINT ["pinsvc"]
CMD ["daemon", "--init"]
