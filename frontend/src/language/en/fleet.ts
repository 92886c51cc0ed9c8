export default {
    fields: 'Fields',
    in_stock: 'In stock',
    kid_rule: 'Letters, digits, _ and -, at most 32',
    kid_help: 'Optional: what the device calls itself in its measurements, unique in its owner',
    series_help: 'The measurement in InfluxDB that the device writes to',
    now: {
        title: 'State now', checked_at: 'Last looked for',
        clock_ahead: 'Its clock is ahead: points of it are dated in the future. Those do not count as a sign of life.',
    },
    sync: {
        title: 'Sync', synced: 'Synced', pending: 'Pending', failed: 'Failed', none: 'There is nothing to sync with.',
        since: 'since', next_try: 'next try', unpaid: 'Suspended until somebody pays, since',
    },
    dependents: {
        count: '%{smart_count} %{name}',
        refer: 'Other records refer to it: %{counted}. What becomes of them?',
        release: 'They stay, without it', delete: 'They are deleted, too',
    },
    measured: {
        title: 'The last day', field: 'Field', time: 'Time', as_table: 'Show as table', as_chart: 'Show as chart',
        step: 'Mean of each %{every}',
        summary: 'Chart of %{field} on the last day: least %{least}, most %{most}, last %{last}',
        nothing: 'It has posted nothing on the last day.',
        stock: 'A karana in stock posts nothing: it has no owner, and so no database.',
        away: 'The measurements cannot be had now: InfluxDB is away, too slow, or not configured.',
    },
    device: {
        title: 'Device', address: 'InfluxDB', database: 'Database', user: 'User', password: 'Password', config_line: 'Config line',
        curl_line: 'Test with curl',
        curl_help: 'The command posts a test point as the device does. The answer 204 means that it may.',
        sheet: 'Sheet to print', print: 'Print', qr: 'QR code of the config line',
        stock: 'In stock: it gets its config line with an owner.',
        no_influxdb: 'This server has no InfluxDB, so there is nothing to tell a device.',
        no_secrets: 'The password of the device is not for your role.',
        handover: 'A handover is under way: the device does not go by this password yet. Do not flash it now.',
    },
    move: {
        action: 'Move', title: 'Move %{name} to another owner',
        data_stays: 'What it has measured so far stays with its present owner.',
    },
    rotate: { action: 'New password', title: 'A new password for %{name}' },
    handover: {
        how: 'How does the device learn it?',
        remote: 'By itself', by_hand: 'Somebody flashes it, at once',
        remote_help:
            'The device reads its new password when it next polls its configuration. Until then InfluxDB takes the old one, so that ' +
            'nothing is lost. It takes about one poll and four posts; its state shows how far it is.',
        by_hand_help: 'The old password ends at once: InfluxDB refuses the device until somebody has flashed it with the new config line.',
        into_stock: 'In stock it has no place to post to: InfluxDB refuses the device from now on.',
        from_stock_move: 'It gets a place in the database of its owner. Then flash it with its config line.',
        from_stock_rotate: 'In stock it posts nothing, so the new password counts at once.',
        not_remote: {
            no_influxdb: 'It cannot learn it by itself: this server has no InfluxDB.',
            under_way: 'A handover is under way. One by hand ends it.',
            clock_ahead: 'It cannot learn it by itself: its clock is ahead, so that its posts are not seen.',
        },
        under_way: 'A handover is under way.',
        moving: 'It has been told to post to its new owner, and has not done so yet. InfluxDB takes the old password.',
        offered: 'It has been offered its new password. InfluxDB takes the old one until the device pauses, as it does once it has the new one.',
        tried: 'InfluxDB takes the new password, and the device has not posted with it yet. If it does not, the old one is put back.',
        tries: 'Tried once |||| Tried %{smart_count} times',
        begun: 'Begun',
        notice: {
            nothing: 'Done. There is nothing to do with the device.',
            flash: 'Done. InfluxDB refuses the device until somebody has flashed it with its new config line.',
            flash_moved:
                'Done. InfluxDB refuses the device until somebody has flashed it with its new config line. Its data stays with the former owner.',
            remote: 'Begun. The device keeps its old password until it has learned the new one; its state shows how far it is.',
            remote_moved:
                "Begun. The device keeps its old password and its access to the former owner's database until it posts to the new one; " +
                'its state shows how far it is. Its data stays with the former owner.',
        },
    },
    owner: {
        karanas: 'Karanas', new_karana: 'New karana', no_karanas: 'No karanas yet.',
        credentials: 'Credentials', database: 'InfluxDB database and user', influxdb: 'InfluxDB password',
        grafana: 'Grafana password', grafana_login: 'Grafana user', grafana_open: 'Open Grafana', no_secrets: 'The passwords are not for your role.',
        rotate: {
            action: 'New passwords', title: 'New passwords for %{name}?',
            content: 'InfluxDB and Grafana get new passwords for this owner, and refuse the old ones at once. How one signs in here stays as it is, and so do the devices.',
            done: 'There are new passwords',
        },
        link: {
            action: 'Password link', title: 'A link to set the password of %{name}',
            content: 'Whoever opens the link sets the password, once. Until then the old one is good. A new link replaces the one before.',
            make: 'Make a link', url: 'Link', until: 'Good until',
        },
        how: 'Password', by_hand: 'Set it now', by_link: 'Let the owner set it, by a link',
        by_link_help: 'You get a link to hand over, good for an hour.',
        not_yours: 'Your role may not change this record.',
    },
};
