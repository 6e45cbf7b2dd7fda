"""Intents about money: refund, invoice, failed payment, discount code."""

# ruff: noqa: E501 (one template a line reads better than one cut in two)

from demo.intents.intent import Intent, Side

REFUND = Intent(
    name="refund",
    needs_order=True,
    sorry=False,
    en=Side(
        opens=(
            "I [want|would like|need] a refund[ for order <order>| for my <product>|].",
            "[Please refund|Refund] [order <order>|my <product>|my order].",
            "Can I [get|have] my money back for [order <order>|the <product>]?",
            "I sent the <product> back, when do I get my money?",
            "I am still waiting for the refund of [order <order>|my order|the <product>].",
            "Where is my refund[ for order <order>| for the <product>|]?",
            "The <product> was not for me, I want my money back.",
        ),
        warm=(
            "I have just started the refund for order <order>, the full amount will be on your account in <days>.",
            "Your refund for order <order> is [approved|confirmed], and I will [check|make sure] that it reaches you by <day>.",
            "I have refunded the <product> from order <order>, you will see the money by <day>.",
        ),
        plain=(
            "The refund for order <order> [was started|is approved] and takes <days>.",
            "We refund order <order> to your [card|account] by <day>.",
            "The <product> in order <order> will be refunded in <days>.",
        ),
        curt=(
            "[Refund for <order>|It] is in process, be patient.",
            "<order> will be refunded some time this week.",
        ),
        pushy=(
            "Instead of a refund for <order>, take a voucher worth [even more|10 percent more] today!",
            "Refund for <order>? Swap it for our bestseller now and [save|get] 20 percent!",
        ),
        robotic=(
            "Refund request for order <order>: [received|accepted]. Processing time: <days>.",
            "Order <order>: repayment [scheduled|initiated] for <day>.",
        ),
    ),
    zh=Side(
        opens=(
            "我[要|想]退款[，订单<order>|，我买的<product>|]。",
            "请给[订单<order>|我的<product>|我的订单]退款。",
            "[订单<order>|<product>]能退钱吗？",
            "<product>我已经寄回去了，什么时候退钱？",
            "[订单<order>|我的订单|<product>]的退款还没到。",
            "我的退款在哪里？",
            "<product>不适合我，我想把钱退回来。",
        ),
        warm=(
            "我刚刚为您办理了订单<order>的退款，全部金额<days>内会到您的账户。",
            "订单<order>的退款已经[批准|确认]，我会盯着，<day>之前一定到账。",
            "订单<order>里的<product>已为您退款，<day>之前您就能看到这笔钱。",
        ),
        plain=(
            "订单<order>的退款已[办理|批准]，需要<days>。",
            "订单<order>将在<day>前退款到您的[银行卡|账户]。",
            "订单<order>里的<product>会在<days>内退款。",
        ),
        curt=(
            "<order>的退款在处理，耐心点。",
            "<order>这周会退，别催。",
        ),
        pushy=(
            "订单<order>别退款了，换成代金券，今天多送一成！",
            "订单<order>要退款？现在换我们的爆款，立减两成！",
        ),
        robotic=(
            "订单<order>退款申请：[已收到|已受理]。处理时间：<days>。",
            "订单<order>：退款已[排期|启动]，日期<day>。",
        ),
    ),
)

INVOICE = Intent(
    name="invoice",
    needs_order=True,
    sorry=False,
    en=Side(
        opens=(
            "[I need|Please send me|Can I get] [an invoice|the invoice|a receipt] for [order <order>|my order|the <product>].",
            "Where can I [find|download] the invoice [for order <order>|for my order]?",
            "The invoice [for order <order>|for my <product>|for my order] is missing.",
            "The invoice of [order <order>|my order] has the wrong [name|company|amount] on it.",
            "My company needs an invoice for [order <order>|the <product>].",
            "I never [got|received] an invoice[ for order <order>|].",
        ),
        warm=(
            "I have just sent the invoice for order <order> to your e-mail address, it will be there in a few minutes.",
            "The invoice for order <order> is ready, and I [added|put] it to your account so that you can download it any time.",
            "I corrected the invoice for the <product> in order <order> and sent it to you by e-mail.",
        ),
        plain=(
            "The invoice for order <order> was sent by e-mail.",
            "You can download the invoice for order <order> in your account[ under Orders|].",
            "The invoice for the <product> in order <order> will be sent on <day>.",
        ),
        curt=(
            "The invoice for <order> is in your account, look there.",
            "Invoice <order> sent, check your spam.",
        ),
        pushy=(
            "The invoice for <order> comes at once with our Business plan, so upgrade [now|today]!",
            "Invoice for <order> sent, now order again today and [save|get] 15 percent!",
        ),
        robotic=(
            "Invoice for order <order>: [generated|issued]. Delivery channel: e-mail.",
            "Document request for order <order> registered. Duration: <days>.",
        ),
    ),
    zh=Side(
        opens=(
            "[我需要|请给我开|能不能开][订单<order>|我的订单|<product>]的发票。",
            "[订单<order>|我的订单]的发票在哪里下载？",
            "[订单<order>|我的<product>|我的订单]没有发票。",
            "[订单<order>|我的订单]的发票[抬头|金额]写错了。",
            "公司报销需要[订单<order>|<product>]的发票。",
            "我一直没收到发票[，订单<order>|]。",
        ),
        warm=(
            "订单<order>的发票我刚刚发到您的邮箱了，几分钟内就能收到。",
            "订单<order>的发票已经开好，我也放进了您的账户，随时可以下载。",
            "订单<order>里<product>的发票我已改好，并发到您的邮箱了。",
        ),
        plain=(
            "订单<order>的发票已发送到邮箱。",
            "订单<order>的发票可在账户[的订单页|]下载。",
            "订单<order>里<product>的发票将在<day>发出。",
        ),
        curt=(
            "<order>的发票在账户里，自己找。",
            "<order>的发票发了，看垃圾邮件。",
        ),
        pushy=(
            "开通企业会员，订单<order>的发票马上就到，[现在|今天]就升级吧！",
            "订单<order>的发票发了，今天再下一单，立减一成半！",
        ),
        robotic=(
            "订单<order>发票：[已生成|已开具]。发送方式：邮箱。",
            "订单<order>票据申请已登记。用时：<days>。",
        ),
    ),
)

PAYMENT_FAILED = Intent(
    name="payment_failed",
    needs_order=False,
    sorry=True,
    en=Side(
        opens=(
            "My payment [failed|did not go through|was declined][ for order <order>|].",
            "I cannot pay [for order <order>|for my order|for the <product>], my card is [refused|rejected].",
            "The payment [for the <product>|for order <order>|] keeps failing.",
            "I was charged twice [for order <order>|for my <product>|for my order].",
            "[Checkout|The payment page] shows an error when I pay.",
            "My card was charged but the payment [for order <order>|for the <product>] shows as failed.",
        ),
        warm=(
            "I checked the payment for order <order>: nothing was charged, and I opened a new payment link for you that works for <days>.",
            "Please try [another card|once more] now, I have unlocked the payment page and I stay here until it works.",
            "I have reserved the <product> for you and sent a new payment link that works for <days>.",
        ),
        plain=(
            "The payment for order <order> failed at the bank, please try again.",
            "Please [use another card|try again in a few minutes], double charges are paid back in <days>.",
            "The <product> can be paid by card or by bank transfer.",
        ),
        curt=(
            "Your [card|bank] refused the payment, not our problem.",
            "Payment failed, use another card.",
        ),
        pushy=(
            "Pay with our own credit card, apply [now|today] and get 50 points for free!",
            "Payment trouble? Pay in rates with our Flex plan, sign up before tonight!",
        ),
        robotic=(
            "Payment [error|failure] detected. Recommended action: retry.",
            "Transaction for order <order>: declined. Code: 51. Retry [permitted|possible].",
        ),
    ),
    zh=Side(
        opens=(
            "[订单<order>|我的订单|]付款失败了。",
            "我付不了款，[订单<order>|<product>]一直被银行拒绝。",
            "买<product>的时候支付总是失败。",
            "[订单<order>|我的订单|<product>]被扣了两次款。",
            "付款页面一直报错。",
            "钱扣了，但是[订单<order>|<product>]显示支付失败。",
        ),
        warm=(
            "我查了订单<order>的付款，没有扣款，已为您开了新的付款链接，<days>内有效。",
            "请您现在[换一张卡|再试一次]，我已解锁付款页面，会一直陪您到成功为止。",
            "我已为您保留了<product>，并发送了新的付款链接，<days>内有效。",
        ),
        plain=(
            "订单<order>的付款被银行拒绝，请重试。",
            "请[换一张卡|过几分钟再试]，重复扣款<days>内退回。",
            "<product>可以用银行卡或转账付款。",
        ),
        curt=(
            "是您的[卡|银行]拒绝付款，不关我们的事。",
            "付款失败，换张卡吧。",
        ),
        pushy=(
            "用我们的信用卡付款，[现在|今天]申请就送五十积分！",
            "付款不顺？用分期计划，今晚之前快开通！",
        ),
        robotic=(
            "检测到支付[错误|失败]。建议操作：重试。",
            "订单<order>交易：已拒绝。代码：51。[允许|可以]重试。",
        ),
    ),
)

DISCOUNT = Intent(
    name="discount",
    needs_order=False,
    sorry=False,
    en=Side(
        opens=(
            "My [discount|coupon|voucher] code does not work[ for the <product>|].",
            "[Do you have|Is there] a [discount|coupon] code[ for the <product>|]?",
            "How [do|can] I [use|enter] my [discount|voucher] code?",
            "The [discount|coupon] was not applied to [order <order>|my order|the <product>].",
            "I forgot to use my [discount|coupon] code[ on order <order>|].",
            "Can I get a [discount|better price] on the <product>?",
        ),
        warm=(
            "I have added the discount to the <product> for you, the new price shows in your cart until <day>.",
            "I applied the code to order <order> by hand, the difference is back on your account in <days>.",
            "I made a new code for you that works for <days>, just enter it at checkout and I will stay here [until it works|to help].",
        ),
        plain=(
            "The code can be entered at checkout and is valid for <days>.",
            "The discount [was added|has been added] to order <order>.",
            "There is a 10 percent discount on the <product> until <day>.",
        ),
        curt=(
            "The code has expired, that is all.",
            "Codes are on the website, read the terms.",
        ),
        pushy=(
            "Forget the code, join our Gold club [now|today] and get every discount there is!",
            "Buy two today and the second one is half price, but [hurry|be quick], only ten left!",
        ),
        robotic=(
            "Discount code status: [invalid|expired]. Alternative code: issued.",
            "Promotion request registered. Validity: <days>.",
        ),
    ),
    zh=Side(
        opens=(
            "我的[优惠码|优惠券|折扣码]用不了[，买<product>的时候|]。",
            "[有没有|请问有]<product>的优惠码吗？",
            "[优惠码|优惠券]怎么用？",
            "[订单<order>|我的订单|<product>]没有减掉优惠。",
            "我下单时忘了用[优惠码|优惠券][，订单<order>|]。",
            "<product>能打折吗？",
        ),
        warm=(
            "我已为您给<product>加上优惠，购物车里<day>前都是新价格。",
            "我已手动给订单<order>用上优惠码，差价<days>内退到您的账户。",
            "我给您做了一个新的优惠码，<days>内有效，结账时输入就行，[不行就找我|我会陪着您]。",
        ),
        plain=(
            "优惠码在结账时输入，<days>内有效。",
            "优惠已加到订单<order>。",
            "<product>目前打九折，到<day>为止。",
        ),
        curt=(
            "优惠码过期了，就这样。",
            "优惠码网站上有，自己看条款。",
        ),
        pushy=(
            "别管优惠码了，[现在|今天]加入金卡会员，所有折扣全都有！",
            "今天买两件，第二件半价，[赶紧|快点]，只剩十件！",
        ),
        robotic=(
            "优惠码状态：[无效|已过期]。替代优惠码：已发放。",
            "优惠申请已登记。有效期：<days>。",
        ),
    ),
)
