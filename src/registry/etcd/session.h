#pragma once

#include "registry/etcd/client.h"
#include "registry/etcd/keys.h"
#include "registry/etcd/lease.h"

namespace dsfailover {

/// What the registry shares with its locks and announcements, which may outlive it.
struct EtcdSession {
    explicit EtcdSession(const RegistrySettings& settings)
        : client(settings, settings.session_timeout), keys(client), leases(client, settings) {}

    EtcdClient client;
    EtcdKeys keys;
    EtcdLeases leases;
};

}  // namespace dsfailover
