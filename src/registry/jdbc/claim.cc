#include "registry/jdbc/claim.h"

#include <span>

#include "base/log.h"
#include "registry/jdbc/liveness.h"

namespace dsfailover {
namespace {

class JdbcClaim : public Lock {
  public:
    JdbcClaim(JdbcRows rows, std::shared_ptr<JdbcClient> client, std::string path, std::int64_t id)
        : rows_(std::move(rows)), client_(std::move(client)), path_(std::move(path)), id_(id) {}
    ~JdbcClaim() override { release(); }

    const std::string& path() const override { return path_; }
    bool still_held() override;
    void release() noexcept override;

  private:
    JdbcRows rows_;
    const std::shared_ptr<JdbcClient> client_;
    const std::string path_;
    const std::int64_t id_;
    bool released_ = false;
};

bool JdbcClaim::still_held() {
    if (released_ || client_->lost()) return false;
    bool held = false;
    rows_.connection().read("checking " + path_, [&](Database& database) {
        held = is_still_there(database,
                              {"t_ds_jdbc_registry_data", "data_key", id_, client_->id(), path_},
                              client_->session_timeout());
    });
    return held;
}

void JdbcClaim::release() noexcept {
    if (released_) return;
    released_ = true;
    try {
        rows_.connection().write("giving up " + path_, [&](Database& database) {
            std::vector<JdbcRow> rows = rows_.lock(database, std::span(&id_, 1));
            std::erase_if(rows, [&](const JdbcRow& row) { return row.client_id != client_->id(); });
            rows_.erase(database, rows);
            return true;
        });
    } catch (const std::exception& error) {
        log_warn("{} could not be given up and ends with our session: {}", path_, error.what());
    }
}

/// Only runs of dsfailover claim, and a client of theirs that was not refreshed for its session's
/// time stays lost (JdbcClient): one look at the database's clock tells.
void remove_if_dead(JdbcRows& rows, const JdbcRow& row) {
    const bool removed =
        rows.connection().write("removing the claim of a dead client", [&](Database& database) {
            if (!row.ephemeral() || read_clients(database).alive(row.client_id)) return false;
            const std::vector<JdbcRow> locked = rows.lock(database, std::span(&row.id, 1));
            if (locked.empty() || locked[0].client_id != row.client_id) return false;
            rows.erase(database, locked);
            return true;
        });
    if (removed)
        log_info("removed the row {} of {}, whose client {} is dead", row.id, row.key,
                 row.client_id);
}

}  // namespace

std::unique_ptr<Lock> claim_in_jdbc(JdbcRows& rows, const std::shared_ptr<JdbcClient>& client,
                                    const std::string& path, const std::string& value) {
    if (const auto standing = rows.find(path)) remove_if_dead(rows, *standing);
    std::int64_t id = 0;
    try {
        rows.connection().write("claiming " + path, [&](Database& database) {
            id = rows.insert(database, path, value, true, client->id());
            return id != 0;
        });
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
        const auto row = rows.find(path);
        id = row && row->client_id == client->id() ? row->id : 0;
    }
    if (id == 0) return nullptr;
    auto claim = std::make_unique<JdbcClaim>(rows, client, path, id);
    // A purge that read the clients before ours appeared may have taken the new row.
    if (!claim->still_held()) return nullptr;
    return claim;
}

}  // namespace dsfailover
