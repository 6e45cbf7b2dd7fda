"""Intents about an order on its way: status, delay, cancelling, another address."""

# ruff: noqa: E501 (one template a line reads better than one cut in two)

from demo.intents.intent import Intent, Side

ORDER_STATUS = Intent(
    name="order_status",
    needs_order=True,
    sorry=False,
    en=Side(
        opens=(
            "Where is my order[ <order>|]?",
            "What is the status of [my order|order <order>]?",
            "Has [order <order>|my order|my <product>] [shipped|left] yet?",
            "Can you [tell me|check] where my [<product>|package|parcel] is?",
            "I [want|would like] to track [my order|order <order>|my <product>].",
            "When will my <product> [arrive|be here]?",
            "Any news [about|on] [my order|order <order>|the <product>]?",
            "I ordered a <product>, where is it now?",
            "Is [order <order>|my order] already on the way?",
            "Please give me an update on [order <order>|my order|the <product>].",
        ),
        warm=(
            "I checked order <order> for you: it [left|is leaving] our warehouse [today|on <day>] and will [be with|reach] you in <days>.",
            "[Good news|I looked it up]: order <order> is on its way and the courier will be at your door on <day>.",
            "Your <product> from order <order> is on its way, and I will write to you [as soon as|when] it arrives on <day>.",
        ),
        plain=(
            "Order <order> [was shipped|has shipped] and [arrives|will arrive] in <days>.",
            "Order <order> is [on its way|in transit], delivery is planned for <day>.",
            "The <product> in order <order> ships on <day>.",
        ),
        curt=(
            "[It|Order <order>] is on its way, just wait.",
            "<order> is in transit, check the tracking page yourself.",
        ),
        pushy=(
            "Order <order> is coming, but with [Premium shipping|our Gold plan] it would be there already, so [upgrade|sign up] now!",
            "While <order> is on its way, grab a second [item|gift] at half price before midnight!",
        ),
        robotic=(
            "Status of order <order>: [in transit|dispatched]. Expected delivery: <day>.",
            "Query result for order <order>: shipment [active|registered]. Remaining time: <days>.",
        ),
    ),
    zh=Side(
        opens=(
            "我的订单[<order>|]到哪了？",
            "请问[订单<order>|我的订单]现在是什么状态？",
            "[订单<order>|我的订单|我买的<product>]发货了吗？",
            "帮我[查一下|看看][订单<order>|我的包裹|我的<product>]的物流。",
            "我的<product>什么时候能到？",
            "[订单<order>|我的订单]有消息了吗？",
            "我买了<product>，现在到哪里了？",
            "想[跟踪|查询]一下[订单<order>|我的订单]。",
        ),
        warm=(
            "我帮您查到了，订单<order>[今天|<day>]已从仓库发出，<days>内就会送到您手上。",
            "订单<order>正在路上，快递员预计<day>送到您家门口，请您放心。",
            "您的<product>在订单<order>里，已经在路上了，<day>到货时我会马上通知您。",
        ),
        plain=(
            "订单<order>已发货，预计<days>内[送达|到达]。",
            "订单<order>正在运输中，计划<day>派送。",
            "订单<order>里的<product>将在<day>发出。",
        ),
        curt=(
            "订单<order>在路上，等着就行。",
            "<order>运输中，自己看物流页面。",
        ),
        pushy=(
            "订单<order>在路上了，要是开通[会员|金卡]早就到了，赶紧[升级|开通]吧！",
            "等订单<order>的时候，不如再买一件，第二件半价，今晚就结束！",
        ),
        robotic=(
            "订单<order>状态：[运输中|已出库]。预计送达：<day>。",
            "订单<order>查询结果：物流[正常|已登记]。剩余时间：<days>。",
        ),
    ),
)

DELAY = Intent(
    name="delay",
    needs_order=True,
    sorry=True,
    en=Side(
        opens=(
            "[Order <order>|My order|My <product>] is [late|overdue|delayed].",
            "I have been waiting [for over a week|for ages|far too long] for [order <order>|my <product>|my order].",
            "My <product> should have [arrived|been here] [last week|on <day>].",
            "Why [is it taking|does it take] so long to deliver [order <order>|my <product>|my order]?",
            "[Order <order>|My parcel] was promised for <day> and it is still not here.",
            "The delivery of [order <order>|my <product>] is [much too late|days late].",
            "Still no <product>, it is [late|overdue]!",
        ),
        warm=(
            "The courier had a delay with order <order>, so I moved it to express and you will have it [on|by] <day>.",
            "I [called|reached] the courier about order <order>: it is out again and will arrive by <day>, and your shipping fee is refunded.",
            "Your <product> in order <order> got stuck at the depot, so I am sending it by express for <day>.",
        ),
        plain=(
            "Order <order> is delayed at the [courier|depot] and will arrive in <days>.",
            "The new delivery date for order <order> is <day>.",
            "The <product> in order <order> is late and will arrive on <day>.",
        ),
        curt=(
            "[Order <order>|It] is late, that happens, wait until <day>.",
            "<order> is delayed, nothing we can do.",
        ),
        pushy=(
            "Order <order> is late because you chose standard shipping, so [buy|get] Premium [now|today] and skip the queue!",
            "Forget the delay of <order>, our express pass is on sale for one more hour!",
        ),
        robotic=(
            "Delay registered for order <order>. New date: <day>.",
            "Order <order>: delivery [exception|deviation] detected. Estimated correction: <days>.",
        ),
    ),
    zh=Side(
        opens=(
            "[订单<order>|我的订单|我的<product>]怎么还没到，已经晚了。",
            "[订单<order>|我的<product>|我的包裹]延误[很久|好几天]了。",
            "我的<product>本来<day>就该到了。",
            "为什么[订单<order>|我的<product>|我的订单]配送这么慢？",
            "说好<day>送到的[订单<order>|包裹]，到现在还没收到。",
            "等[订单<order>|我的<product>]等了一个多星期了，太慢了。",
        ),
        warm=(
            "订单<order>在快递途中耽搁了，我已帮您改成加急，<day>前一定送到。",
            "我已联系快递处理订单<order>，<day>就能送达，运费也会退还给您。",
            "您的<product>在订单<order>里，卡在了中转站，我已安排<day>加急送到。",
        ),
        plain=(
            "订单<order>在[快递|中转站]延误，预计<days>内到达。",
            "订单<order>新的送达日期是<day>。",
            "订单<order>里的<product>晚到，<day>送达。",
        ),
        curt=(
            "订单<order>晚了，很正常，等到<day>。",
            "<order>延误，我们也没办法。",
        ),
        pushy=(
            "订单<order>慢是因为您选了普通配送，[现在|今天]就买加急会员，不用再排队！",
            "别管订单<order>的延误了，加急卡特价只剩一小时！",
        ),
        robotic=(
            "订单<order>延误已登记。新日期：<day>。",
            "订单<order>：检测到配送[异常|偏差]。预计修正：<days>。",
        ),
    ),
)

CANCEL = Intent(
    name="cancel",
    needs_order=True,
    sorry=False,
    en=Side(
        opens=(
            "[Please cancel|Cancel|I want to cancel|I need to cancel] [order <order>|my order|my <product> order].",
            "Can [I|you] [still cancel|cancel|stop] [order <order>|my order]?",
            "I changed my mind, [please cancel the <product>|I do not want the <product> any more|cancel order <order>].",
            "I ordered the <product> by mistake, please cancel it.",
            "How do I cancel [order <order>|my order]?",
            "Please stop [order <order>|my order] before it ships.",
        ),
        warm=(
            "I have cancelled order <order> for you[ in time|], and the full amount will be back on your account in <days>.",
            "[No problem at all|That is quite all right], order <order> is cancelled and you will see the money by <day>.",
            "The <product> from order <order> is cancelled, nothing will be charged, and you get a note by e-mail today.",
        ),
        plain=(
            "Order <order> [is|has been] cancelled, the money is back in <days>.",
            "We cancelled order <order>[ today|].",
            "The <product> was removed and order <order> is cancelled.",
        ),
        curt=(
            "[Order <order>|<order>] cancelled, done.",
            "It is cancelled, decide sooner next time.",
        ),
        pushy=(
            "Do not cancel <order> now, keep it and [get|take] 20 percent off your next [order|purchase]!",
            "Are you sure about cancelling <order>? Keep it today and win a voucher!",
        ),
        robotic=(
            "Cancellation of order <order>: [accepted|executed]. Repayment: <days>.",
            "Order <order> has been set to status cancelled.",
        ),
    ),
    zh=Side(
        opens=(
            "[请取消|我要取消|帮我取消|取消][订单<order>|我的订单|我买的<product>]。",
            "[订单<order>|我的订单]还能取消吗？",
            "我改主意了，[<product>不要了|请取消<product>|取消订单<order>]。",
            "我不小心买了<product>，请帮我取消。",
            "怎么取消[订单<order>|我的订单]？",
            "发货之前请停掉[订单<order>|我的订单]。",
        ),
        warm=(
            "我已经为您取消了订单<order>，全部款项<days>内会退回您的账户。",
            "没关系的，订单<order>已经取消，<day>之前您就能看到退款。",
            "订单<order>里的<product>已帮您取消，不会扣款，今天会给您发邮件确认。",
        ),
        plain=(
            "订单<order>已取消，<days>内退款。",
            "我们[今天|]已取消订单<order>。",
            "<product>已移除，订单<order>已取消。",
        ),
        curt=(
            "<order>取消了，就这样。",
            "订单<order>取消了，下次想好再买。",
        ),
        pushy=(
            "先别取消订单<order>，留着它，下一单立减两成！",
            "您确定要取消订单<order>吗？今天留下就送代金券！",
        ),
        robotic=(
            "订单<order>取消请求：[已受理|已执行]。退款：<days>。",
            "订单<order>状态已设为取消。",
        ),
    ),
)

CHANGE_ADDRESS = Intent(
    name="change_address",
    needs_order=True,
    sorry=False,
    en=Side(
        opens=(
            "[I need to|Can I|I want to] change the [delivery|shipping] address [of order <order>|of my order].",
            "I [am moving|moved] to <city>, please send [order <order>|my order|the <product>] there.",
            "[Please deliver|Deliver] [order <order>|my order] to <city> instead.",
            "The address on [order <order>|my order] is wrong, it should be <city>.",
            "Can you send [order <order>|my <product>] to my new address in <city>?",
            "I typed the wrong address for [order <order>|my order].",
        ),
        warm=(
            "I have [changed|updated] the address of order <order> to <city>, and it will still arrive [on|by] <day>.",
            "The address of order <order> is open for you now: [send|write] me street and city and I will enter it [at once|right away].",
            "Order <order> now goes to <city>, and I asked the courier to call you before delivery on <day>.",
        ),
        plain=(
            "The address of order <order> [is now|was changed to] <city>.",
            "Please [send|write] us the new address for order <order>.",
            "Order <order> will be delivered to <city> in <days>.",
        ),
        curt=(
            "New address for <order>, write it down properly.",
            "<order> goes to <city>, fine.",
        ),
        pushy=(
            "We can change the address of <order>, and with Premium it is free for ever, so join now!",
            "New home? Add a moving package to <order> today and [save|get] 30 percent!",
        ),
        robotic=(
            "Address change for order <order>: [pending|registered]. Processing time: <days>.",
            "Order <order>: destination set to <city>.",
        ),
    ),
    zh=Side(
        opens=(
            "[我要|我想|能不能]改[订单<order>|我的订单]的收货地址。",
            "我搬到<city>了，请把[订单<order>|我的订单|<product>]寄到那里。",
            "请把[订单<order>|我的订单]改送到<city>。",
            "[订单<order>|我的订单]地址错了，应该是<city>。",
            "能把[订单<order>|我的<product>]寄到我在<city>的新地址吗？",
            "[订单<order>|我的订单]的地址我填错了。",
        ),
        warm=(
            "我已经把订单<order>的地址改到<city>了，<day>照样能送到。",
            "订单<order>的地址可以修改，请把街道和城市发给我，我马上帮您填好。",
            "订单<order>现在会送到<city>，我已请快递员<day>派送前给您打电话。",
        ),
        plain=(
            "订单<order>的地址已改为<city>。",
            "请发来订单<order>的新地址。",
            "订单<order>将在<days>内送到<city>。",
        ),
        curt=(
            "<order>的新地址，写清楚点。",
            "<order>改送<city>，行了。",
        ),
        pushy=(
            "订单<order>可以改地址，开通会员以后永远免费改，快加入吧！",
            "搬新家了？今天给订单<order>加购搬家套餐，立省三成！",
        ),
        robotic=(
            "订单<order>地址变更：[待处理|已登记]。处理时间：<days>。",
            "订单<order>：目的地已设为<city>。",
        ),
    ),
)
