#include "registry/zookeeper/announcement.h"

#include <fmt/format.h>

#include <chrono>

#include "base/log.h"

namespace dsfailover {
namespace {

using Kind = ZookeeperRequest::Kind;

class ZookeeperAnnouncement : public Announcement {
  public:
    ZookeeperAnnouncement(const RegistrySettings& settings, const std::string& path)
        : settings_(settings),
          session_(std::make_unique<ZookeeperSession>(settings)),
          path_(session_->full_path(path)) {}

    ~ZookeeperAnnouncement() override {
        try {
            withdraw();
        } catch (const std::exception& error) {
            log_warn("The announcement {} is left to the end of its session: {}", path_,
                     error.what());
        }
    }

    /// False if the path exists already.
    bool create(const std::string& value) {
        ZookeeperRequest create;
        create.kind = Kind::create;
        create.path = path_;
        create.data = value;
        create.mode = ZOO_EPHEMERAL;
        while (true) {
            const int code = session_->write_until_answered(create).code;
            if (code == ZOK) return true;
            // It exists: made by us when the answer was lost, or another's.
            if (code == ZNODEEXISTS) return look(*session_) == State::ours;
            if (code != ZNONODE) session_->fail(code, "announcing", path_);
            session_->make_parents(path_, ZOO_PERSISTENT);
        }
    }

    bool withdraw() override {
        if (withdrawn_) return *withdrawn_;
        const bool alone = remove();
        session_->close();
        withdrawn_ = alone;
        if (!alone) await_end();
        return alone;
    }

  private:
    enum class State { gone, ours, others };

    State look(ZookeeperSession& session) {
        ZookeeperRequest look;
        look.kind = Kind::exists;
        look.path = path_;
        const ZookeeperReply reply = session.read(look);
        if (reply.code == ZNONODE) return State::gone;
        if (reply.code != ZOK) session.fail(reply.code, "reading", path_);
        return reply.stat.ephemeralOwner == session_->id() ? State::ours : State::others;
    }

    /// Whether the node went as we had made it, or nothing is there any more.
    bool remove() {
        if (session_->is_over()) return gone_with_session();
        try {
            // Looked at before every try: after one whose answer was lost a server may have made
            // a node of its own.
            const auto until = std::chrono::steady_clock::now() + 2 * session_->time_out();
            for (;;) {
                const State state = look(*session_);
                if (state != State::ours) return state == State::gone;
                try {
                    ZookeeperRequest remove;
                    remove.kind = Kind::remove;
                    remove.path = path_;
                    remove.version = 0;
                    const int code = session_->write(remove).code;
                    if (code == ZOK || code == ZNONODE) return true;
                    if (code == ZBADVERSION) return false;
                    session_->fail(code, "withdrawing", path_);
                } catch (const RegistryError& error) {
                    if (error.kind() != RegistryError::Kind::outcome_unknown ||
                        std::chrono::steady_clock::now() >= until)
                        throw;
                }
                session_->wait_for_event(Millis(100));
            }
        } catch (const RegistryError& error) {
            if (error.kind() != RegistryError::Kind::session_lost) throw;
        }
        return gone_with_session();
    }

    bool gone_with_session() {
        ZookeeperSession fresh(settings_);
        return look(fresh) == State::gone;
    }

    /// The server may answer others before it has heard of our session's end.
    void await_end() {
        ZookeeperSession fresh(settings_);
        const auto until = std::chrono::steady_clock::now() + 2 * fresh.time_out();
        while (look(fresh) == State::ours && std::chrono::steady_clock::now() < until)
            fresh.wait_for_event(Millis(20));
    }

    RegistrySettings settings_;
    std::unique_ptr<ZookeeperSession> session_;
    std::string path_;
    std::optional<bool> withdrawn_;
};

}  // namespace

std::unique_ptr<Announcement> announce_in_zookeeper(const RegistrySettings& settings,
                                                    const std::string& path,
                                                    const std::string& value) {
    auto announcement = std::make_unique<ZookeeperAnnouncement>(settings, path);
    if (!announcement->create(value)) return nullptr;
    return announcement;
}

}  // namespace dsfailover
