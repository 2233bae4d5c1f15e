#include "registry/zookeeper/put.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/zookeeper/version.h"

namespace dsfailover {
namespace {

using Kind = ZookeeperRequest::Kind;
using Batch = std::vector<Put*>;

// The server compares the dataVersion only: that it is still the same node is seen before.
void look_for_changed(ZookeeperSession& session, const Batch& replacing) {
    if (replacing.empty()) return;
    session.read(
        replacing.size(),
        [&](std::size_t i) {
            ZookeeperRequest look;
            look.kind = Kind::exists;
            look.path = session.full_path(replacing[i]->path);
            return look;
        },
        [&](std::size_t i, const ZookeeperReply& reply) {
            Put& put = *replacing[i];
            if (reply.code != ZOK && reply.code != ZNONODE)
                session.fail(reply.code, "reading", session.full_path(put.path));
            const bool same = reply.code == ZOK && ZookeeperVersion::parse(put.version) ==
                                                       ZookeeperVersion::of(reply.stat);
            if (!same) put.outcome = PutOutcome::not_as_read;
        });
}

ZookeeperRequest write_request(const ZookeeperSession& session, const Put& put) {
    ZookeeperRequest request;
    request.kind = Kind::create;
    request.path = session.full_path(put.path);
    request.data = put.value;
    request.mode = ZOO_PERSISTENT;
    if (const auto version = ZookeeperVersion::parse(put.version)) {
        request.kind = Kind::set;
        request.version = version->data;
    }
    return request;
}

// Returns those that could not be created because a parent is missing.
Batch write(ZookeeperSession& session, const Batch& puts) {
    Batch orphans;
    std::optional<std::pair<int, std::string>> problem;
    session.write(
        puts.size(), [&](std::size_t i) { return write_request(session, *puts[i]); },
        [&](std::size_t i, const ZookeeperReply& reply) {
            Put& put = *puts[i];
            if (reply.code == ZOK)
                put.outcome = PutOutcome::written;
            else if (reply.code == ZNONODE && put.version.empty())
                orphans.push_back(&put);
            else if (reply.code == ZNODEEXISTS || reply.code == ZNONODE ||
                     reply.code == ZBADVERSION)
                put.outcome = PutOutcome::not_as_read;
            else if (!ZookeeperSession::is_cut_off(reply.code))
                problem = {reply.code, session.full_path(put.path)};
        });
    if (problem) session.fail(problem->first, "writing", problem->second);
    return orphans;
}

}  // namespace

void put_in_zookeeper(ZookeeperSession& session, std::span<Put> puts) {
    Batch left, replacing;
    for (Put& put : puts) {
        put.outcome = PutOutcome::unknown;
        if (!put.version.empty()) replacing.push_back(&put);
    }
    look_for_changed(session, replacing);
    for (Put& put : puts)
        if (put.outcome == PutOutcome::unknown) left.push_back(&put);
    while (!(left = write(session, left)).empty())
        session.make_parents(session.full_path(left.front()->path), ZOO_PERSISTENT);
}

}  // namespace dsfailover
